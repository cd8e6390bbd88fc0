import type { Catalog } from '../../catalog/catalog.js';
import type { Hit, Ranking } from '../../catalog/types.js';
import { EVIDENCES, type Evidence, type Similarities } from '../../domain/evidence.js';
import { type BestSimilarities, bestOf, type Candidate } from '../../domain/fusion.js';
import { dot } from '../../domain/vectors.js';
import { borrowedSimilarity, findLenders } from './borrowed-captions.js';
import type { PlannedPart, RankingPlan } from './ranking-plan.js';

/**
 * Depth of the ranking by each kind of evidence. It is fixed, so that an item's score does not depend on the page.
 */
export const EVIDENCE_DEPTH = 100;

type Writable = Partial<Record<Evidence, number>>;
type Known = Map<string, Writable>;

/**
 * The items that any kind of evidence of a positive part ranks among its first, with all evidence that they have for each
 * part.
 */
export interface EvidenceTable {
  readonly candidates: readonly PartedCandidate[];
  /** The ranking by CONTENT; empty if the plan does not rank by CONTENT. */
  readonly content: Ranking;
  /** In the order of the plan. */
  readonly parts: readonly PartEvidence[];
  readonly approximate: boolean;
}

interface PartedCandidate {
  readonly id: string;
  /** To each part. CONTENT is that of all parts together, so negative parts do not have it. */
  readonly similarities: readonly Similarities[];
}

/** The candidates of a search by one query. */
export function candidatesOfOnePart({ candidates }: EvidenceTable): Candidate[] {
  return candidates.map(({ id, similarities: [only = {}] }) => ({ id, similarities: only }));
}

/** The rankings by one part and their highest similarities. A ranking that the plan does not contain is empty. */
interface PartEvidence {
  readonly counterpart: Ranking;
  readonly words: Ranking;
  readonly best: BestSimilarities;
}

interface Rankings {
  readonly content: Ranking;
  readonly counterpart: Ranking;
  readonly words: Ranking;
}

const NOTHING: Ranking = { hits: [], approximate: false };

/** Collects candidates by each kind of evidence of the plan, then completes what each kind knows of the others' candidates. */
export async function collectEvidence(catalog: Catalog, plan: RankingPlan): Promise<EvidenceTable> {
  const [content, ...rankings] = await Promise.all([
    plan.content
      ? catalog.ranking.byEmbedding({ ...plan.content, limit: EVIDENCE_DEPTH, offset: 0 })
      : NOTHING,
    ...plan.parts.map((part) => rankingsOf(catalog, plan, part)),
  ]);
  const positive = rankings.filter((_, i) => (plan.parts[i]?.weight ?? 0) > 0);
  const found = [content, ...positive.flatMap(({ counterpart, words }) => [counterpart, words])];
  const ids = new Set(found.flatMap(({ hits }) => hits.map(({ id }) => id)));
  const parts = plan.parts.map((part, i) => {
    const { counterpart = NOTHING, words = NOTHING } = rankings[i] ?? {};
    const table: Known = new Map([...ids].map((id) => [id, {}]));
    put(table, 'CONTENT', content.hits);
    put(table, 'COUNTERPART', counterpart.hits);
    put(table, 'LEXICAL', words.hits);
    return { part, rankings: { content, counterpart, words }, table };
  });
  await Promise.all(parts.map((one) => complete(catalog, plan, one, [...ids])));
  if (plan.evidence.has('BORROWED')) {
    const added = await addBorrowed(catalog, plan, parts);
    for (const id of added) ids.add(id);
    await Promise.all(parts.map((one) => complete(catalog, plan, one, added)));
  }
  const shown = parts.map(({ part }) =>
    EVIDENCES.filter((kind) => plan.evidence.has(kind) && (part.weight > 0 || kind !== 'CONTENT')),
  );
  const candidates = [...ids].map((id) => ({
    id,
    similarities: parts.map(({ table }, i) => only(table.get(id) ?? {}, shown[i] ?? [])),
  }));
  return {
    candidates,
    content,
    parts: parts.map(({ rankings: { counterpart, words } }, i) => ({
      counterpart,
      words,
      best: bestSimilarities(plan, { counterpart, words }, candidates, i),
    })),
    approximate: [content, ...rankings.flatMap(Object.values<Ranking>)].some((one) => one.approximate),
  };
}

async function rankingsOf(
  catalog: Catalog,
  { target, filter }: RankingPlan,
  { counterpart, words }: PlannedPart,
): Promise<Omit<Rankings, 'content'>> {
  const [byCounterpart, byWords] = await Promise.all([
    counterpart && catalog.ranking.byCounterpart({ ...counterpart, limit: EVIDENCE_DEPTH }),
    words && catalog.words.rank(words, { target, filter, limit: EVIDENCE_DEPTH }),
  ]);
  return { counterpart: byCounterpart ?? NOTHING, words: byWords ?? NOTHING };
}

/** Of all items, not of the candidates alone: what matches a negative part best may be none. */
function bestSimilarities(
  { evidence }: RankingPlan,
  { counterpart, words }: Pick<Rankings, 'counterpart' | 'words'>,
  candidates: readonly PartedCandidate[],
  part: number,
): BestSimilarities {
  const best = bestOf(
    candidates.map(({ id, similarities }) => ({ id, similarities: similarities[part] ?? {} })),
  );
  const first = (kind: Evidence, { hits }: Ranking) => (evidence.has(kind) ? (hits[0]?.similarity ?? 0) : 0);
  return {
    counterpart: Math.max(best.counterpart, first('COUNTERPART', counterpart)),
    lexical: Math.max(best.lexical, first('LEXICAL', words)),
  };
}

function put(table: Known, evidence: Evidence, hits: readonly Hit[]): void {
  for (const { id, similarity } of hits) {
    const known = table.get(id);
    if (known !== undefined) known[evidence] = similarity;
  }
}

interface PartTable {
  readonly part: PlannedPart;
  readonly rankings: Rankings;
  readonly table: Known;
}

/** Adds the similarities that the items have but their rankings did not reach. */
async function complete(
  catalog: Catalog,
  { content }: RankingPlan,
  { part: { weight, counterpart, words }, rankings, table }: PartTable,
  ids: readonly string[],
): Promise<void> {
  const lack = (evidence: Evidence, ranking: Ranking) =>
    reachedAll(ranking) ? [] : ids.filter((id) => table.get(id)?.[evidence] === undefined);
  const lackContent = content === null || weight < 0 ? [] : lack('CONTENT', rankings.content);
  const lackCounterpart = counterpart === null ? [] : lack('COUNTERPART', rankings.counterpart);
  const lackWords = words === null ? [] : lack('LEXICAL', rankings.words);
  const [similarities, ofWords] = await Promise.all([
    catalog.ranking.similarities(
      [...new Set([...lackContent, ...lackCounterpart])],
      lackContent.length > 0 ? content : null,
      lackCounterpart.length > 0 ? counterpart : null,
    ),
    words === null ? new Map<string, number>() : catalog.words.similarities(words, lackWords),
  ]);
  for (const { id, content: c, counterpart: p } of similarities) {
    const known = table.get(id);
    if (known === undefined) continue;
    if (c !== undefined) known.CONTENT ??= c;
    if (p !== undefined) known.COUNTERPART ??= p;
  }
  for (const [id, similarity] of ofWords) {
    const known = table.get(id);
    if (known !== undefined) known.LEXICAL ??= similarity;
  }
  // The ranking holds every item that has a word of the query.
  if (words !== null) for (const id of ids) (table.get(id) as Writable).LEXICAL ??= 0;
}

/**
 * Adds BORROWED to the candidates that have no COUNTERPART, and candidates near the items that fit a positive part best.
 *
 * @returns the ids that it added to the tables, with BORROWED and CONTENT alone
 */
async function addBorrowed(
  catalog: Catalog,
  { content }: RankingPlan,
  parts: readonly PartTable[],
): Promise<string[]> {
  if (content === null) return [];
  const borrowing = await Promise.all(
    parts.map(async ({ part, rankings, table }) => {
      const { hits } = rankings.counterpart;
      const without = [...table].filter(([, known]) => known.COUNTERPART === undefined).map(([id]) => id);
      // Where every candidate has a counterpart, so have most items.
      if (hits.length === 0 || without.length === 0) return null;
      const { lenders, near } = await findLenders(catalog, content, hits);
      const added = part.weight > 0 ? near.filter((id) => !table.has(id)) : [];
      return lenders.length === 0 ? null : { table, lenders, without, added };
    }),
  );
  const used = borrowing.filter((one) => one !== null);
  if (used.length === 0) return [];
  const added = [...new Set(used.flatMap((one) => one.added))];
  const embeddings = await catalog.vectors.embeddingsByIds(content.encoderId, [
    ...new Set([...added, ...used.flatMap(({ without }) => without)]),
  ]);
  for (const { table } of parts) for (const id of added) table.set(id, {});
  for (const { table, lenders, without } of used) {
    for (const id of [...without, ...added]) {
      const embedding = embeddings.get(id);
      const known = table.get(id);
      if (embedding === undefined || known === undefined) continue;
      known.CONTENT ??= dot(content.vector, embedding);
      known.BORROWED = borrowedSimilarity(embedding, lenders);
    }
  }
  return added;
}

/** Whether the ranking holds every item that has this kind of evidence. */
function reachedAll({ hits, approximate }: Ranking): boolean {
  return hits.length < EVIDENCE_DEPTH && !approximate;
}

function only(similarities: Writable, kinds: readonly Evidence[]): Writable {
  return Object.fromEntries(
    Object.entries(similarities).filter(([kind]) => kinds.includes(kind as Evidence)),
  );
}
