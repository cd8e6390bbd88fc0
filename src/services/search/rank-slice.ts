import type { Catalog } from '../../catalog/catalog.js';
import type { Hit, Ranking } from '../../catalog/types.js';
import { EVIDENCES, type Evidence, type RankedHit, singleEvidence } from '../../domain/evidence.js';
import { type Candidate, type EvidenceWeights, rankedHits } from '../../domain/fusion.js';
import { collectEvidence, EVIDENCE_DEPTH, type EvidenceTable } from './evidence-table.js';
import {
  combinedSimilarity,
  type FusedPart,
  fusedLogOdds,
  meanSimilarities,
  probabilityOfLogOdds,
} from './fused-parts.js';
import type { RankingPlan } from './ranking-plan.js';

/** A part of a ranking. */
export interface Slice {
  readonly hits: readonly RankedHit[];
  readonly hasMore: boolean;
  readonly approximate: boolean;
}

/** Positions `offset` to `offset + count` of the plan's ranking, and whether there is more. */
export async function rankSlice(
  catalog: Catalog,
  plan: RankingPlan,
  offset: number,
  count: number,
): Promise<Slice> {
  if (plan.fusion !== null) return await fusedSlice(catalog, plan, plan.fusion, offset, count);
  const [evidence] = plan.evidence;
  if (evidence === undefined) throw new Error('a plan without a ranking');
  if (evidence === 'BORROWED' || (evidence !== 'CONTENT' && plan.parts.length > 1))
    return await candidateSlice(catalog, plan, evidence, offset, count);
  const { hits, approximate } = await rankingBy(catalog, plan, evidence, offset, count + 1);
  const kept = hits.filter(({ similarity }) => similarity >= (plan.threshold ?? -1));
  return cut(singleEvidence({ evidence, hits: kept }, offset + 1), count, approximate);
}

/** Ranks `offset` to `offset + count` by one kind of evidence, which is CONTENT or has one part. */
async function rankingBy(
  catalog: Catalog,
  { content, parts: [part], target, filter }: RankingPlan,
  evidence: Exclude<Evidence, 'BORROWED'>,
  offset: number,
  count: number,
): Promise<Ranking> {
  if (evidence === 'CONTENT' && content !== null) {
    return await catalog.ranking.byEmbedding({ ...content, limit: count, offset });
  }
  const limit = offset + count;
  const { counterpart = null, words = null } = part ?? {};
  const found =
    evidence === 'COUNTERPART' && counterpart !== null
      ? await catalog.ranking.byCounterpart({ ...counterpart, limit })
      : words === null
        ? { hits: [], approximate: false }
        : await catalog.words.rank(words, { target, filter, limit });
  return { ...found, hits: found.hits.slice(offset) };
}

/** A ranking by one kind of evidence that has no statement of its own: of the candidates alone. */
async function candidateSlice(
  catalog: Catalog,
  plan: RankingPlan,
  evidence: Evidence,
  offset: number,
  count: number,
): Promise<Slice> {
  const { candidates, approximate } = await collectEvidence(catalog, plan);
  const hits = candidates
    .flatMap(({ id, similarities }): Hit[] => {
      const similarity = combinedSimilarity(plan.parts, similarities, evidence);
      return similarity === null || similarity < (plan.threshold ?? -Infinity) ? [] : [{ id, similarity }];
    })
    .sort(bySimilarity);
  return cut(singleEvidence({ evidence, hits }).slice(offset), count, approximate);
}

async function fusedSlice(
  catalog: Catalog,
  plan: RankingPlan,
  weights: EvidenceWeights,
  offset: number,
  count: number,
): Promise<Slice> {
  const table = await collectEvidence(catalog, plan);
  const parts = plan.parts.map(({ weight, coefficients }, i) => ({
    weight,
    coefficients,
    best: table.parts[i]?.best ?? { counterpart: 0, lexical: 0 },
  }));
  const fused = table.candidates
    .map(({ id, similarities }) => {
      const odds = fusedLogOdds(parts, similarities, weights);
      const candidate: Candidate = { id, similarities: meanSimilarities(parts, similarities) };
      return { candidate, odds, score: probabilityOfLogOdds(odds) };
    })
    .sort((a, b) => b.odds - a.odds || (a.candidate.id < b.candidate.id ? -1 : 1));
  const least = plan.threshold ?? 0;
  const head = fused.filter(({ score }) => score >= least);
  const ranks = ranksOf(fused.map(({ candidate }) => candidate));
  const hits = rankedHits(head.slice(offset, offset + count + 1), ranks);
  const last = fused.at(-1)?.score ?? 1;
  // A result of the tail has at most the score of the last one of the head.
  if (hits.length > count || last < least) return cut(hits, count, table.approximate);
  const skip = Math.max(0, offset - head.length);
  const tail = await tailHits(catalog, plan, { parts, weights, last, table }, skip + count + 1 - hits.length);
  const kept = tail.hits.filter(({ score }) => score >= least).slice(skip);
  return cut([...hits, ...kept], count, table.approximate || tail.approximate);
}

interface Head {
  readonly parts: readonly FusedPart[];
  readonly weights: EvidenceWeights;
  /** The lowest score. */
  readonly last: number;
  readonly table: EvidenceTable;
}

/**
 * The order beyond the candidates: items by one kind of evidence alone, CONTENT if there is an encoder. Their scores are
 * those of an item with this evidence alone, and at most the lowest of the candidates. Without CONTENT, several parts have
 * no common order.
 */
async function tailHits(
  catalog: Catalog,
  plan: RankingPlan,
  { parts, weights, last, table }: Head,
  count: number,
): Promise<{ readonly hits: readonly RankedHit[]; readonly approximate: boolean }> {
  const evidence = plan.evidence.has('CONTENT') ? 'CONTENT' : 'COUNTERPART';
  const ranked = evidence === 'CONTENT' ? table.content : table.parts[0]?.counterpart;
  const ranks = plan.evidence.has(evidence) && (evidence === 'CONTENT' || parts.length === 1);
  if (!ranks || ranked === undefined || ranked.hits.length < EVIDENCE_DEPTH)
    return { hits: [], approximate: false };
  const inHead = new Set(table.candidates.map(({ id }) => id));
  // Candidates by other evidence occur here again and are skipped.
  const others = inHead.size - EVIDENCE_DEPTH;
  const found = await rankingBy(catalog, plan, evidence, EVIDENCE_DEPTH, count + others);
  const rest = found.hits
    .map((hit, index) => ({ ...hit, rank: EVIDENCE_DEPTH + index + 1 }))
    .filter(({ id }) => !inHead.has(id))
    .slice(0, count);
  const hits = rest.map(({ id, similarity, rank }): RankedHit => {
    const alone = parts.map(({ weight }) => (weight > 0 ? { [evidence]: similarity } : {}));
    const score = probabilityOfLogOdds(fusedLogOdds(parts, alone, weights));
    return { id, score: Math.min(last, score), evidence: [{ evidence, rank, similarity }] };
  });
  return { hits, approximate: found.approximate };
}

/** The rank of a candidate by one kind of evidence. Beyond EVIDENCE_DEPTH it is the rank among the candidates. */
function ranksOf(candidates: readonly Candidate[]): (evidence: Evidence, id: string) => number {
  const ranks = new Map(
    EVIDENCES.map((evidence) => {
      const hits = candidates
        .flatMap(({ id, similarities }): Hit[] => {
          const similarity = similarities[evidence];
          return similarity === undefined ? [] : [{ id, similarity }];
        })
        .sort(bySimilarity);
      return [evidence, new Map(hits.map(({ id }, index) => [id, index + 1]))] as const;
    }),
  );
  return (evidence, id) => ranks.get(evidence)?.get(id) ?? candidates.length;
}

function bySimilarity(a: Hit, b: Hit): number {
  return b.similarity - a.similarity || (a.id < b.id ? -1 : 1);
}

/** One hit more than `count` means that there is more. */
function cut(hits: readonly RankedHit[], count: number, approximate: boolean): Slice {
  return { hits: hits.slice(0, count), hasMore: hits.length > count, approximate };
}
