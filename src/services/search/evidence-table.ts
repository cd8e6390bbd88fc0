import type { Catalog } from '../../catalog/catalog.js';
import type { Hit, Ranking } from '../../catalog/types.js';
import type { Evidence } from '../../domain/evidence.js';
import type { Candidate } from '../../domain/fusion.js';
import { addBorrowed } from './borrowed-captions.js';
import type { RankingPlan } from './ranking-plan.js';

/**
 * Depth of the ranking by each kind of evidence. It is fixed, so that an item's score does not depend on the page.
 */
export const EVIDENCE_DEPTH = 200;

type Writable = Partial<Record<Evidence, number>>;

/** The items that any kind of evidence ranks among its first, with all evidence that they have. */
export interface EvidenceTable {
  readonly candidates: readonly Candidate[];
  /** By each kind; the ranking of one that the plan does not have is empty. */
  readonly rankings: Readonly<Record<'content' | 'counterpart' | 'words', Ranking>>;
  readonly approximate: boolean;
}

/** Collects candidates by each kind of evidence of the plan, then completes what each kind knows of the others' candidates. */
export async function collectEvidence(catalog: Catalog, plan: RankingPlan): Promise<EvidenceTable> {
  const { content, counterpart, words, target, filter } = plan;
  const [byContent, byCounterpart, byWords] = await Promise.all([
    content && catalog.ranking.byEmbedding({ ...content, limit: EVIDENCE_DEPTH, offset: 0 }),
    counterpart && catalog.ranking.byCounterpart({ ...counterpart, limit: EVIDENCE_DEPTH }),
    words && catalog.words.rank(words, { target, filter, limit: EVIDENCE_DEPTH }),
  ]);
  const rankings = {
    content: byContent ?? NOTHING,
    counterpart: byCounterpart ?? NOTHING,
    words: byWords ?? NOTHING,
  };
  const table = new Map<string, Writable>();
  put(table, 'CONTENT', rankings.content.hits);
  put(table, 'COUNTERPART', rankings.counterpart.hits);
  put(table, 'LEXICAL', rankings.words.hits);
  await complete(catalog, plan, rankings, table);
  if (plan.evidence.has('BORROWED')) {
    const added = await addBorrowed(catalog, plan, rankings.counterpart.hits, table);
    await complete(catalog, plan, rankings, table, added);
  }
  return {
    candidates: [...table].map(([id, similarities]) => ({
      id,
      similarities: only(similarities, plan.evidence),
    })),
    rankings,
    approximate: Object.values(rankings).some(({ approximate }) => approximate),
  };
}

const NOTHING: Ranking = { hits: [], approximate: false };

function put(table: Map<string, Writable>, evidence: Evidence, hits: readonly Hit[]): void {
  for (const { id, similarity } of hits) {
    const known = table.get(id) ?? {};
    known[evidence] = similarity;
    table.set(id, known);
  }
}

/** Adds the similarities that the candidates have but their rankings did not reach. */
async function complete(
  catalog: Catalog,
  { content, counterpart, words }: RankingPlan,
  rankings: EvidenceTable['rankings'],
  table: Map<string, Writable>,
  among: Iterable<string> = table.keys(),
): Promise<void> {
  const ids = [...among];
  const lack = (evidence: Evidence, ranking: Ranking) =>
    reachedAll(ranking) ? [] : ids.filter((id) => table.get(id)?.[evidence] === undefined);
  const lackContent = content === null ? [] : lack('CONTENT', rankings.content);
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

/** Whether the ranking holds every item that has this kind of evidence. */
function reachedAll({ hits, approximate }: Ranking): boolean {
  return hits.length < EVIDENCE_DEPTH && !approximate;
}

function only(similarities: Writable, evidence: ReadonlySet<Evidence>): Writable {
  return Object.fromEntries(Object.entries(similarities).filter(([kind]) => evidence.has(kind as Evidence)));
}
