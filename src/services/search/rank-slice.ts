import type { Hit, Ranking } from '../../catalog/types.js';
import type { VectorRanking } from '../../catalog/vectors/vector-ranking.js';
import {
  type FusedHit,
  fuseByReciprocalRank,
  reciprocalRank,
  singleEvidence,
} from '../../domain/rank-fusion.js';
import type { RankingPlan } from './ranking-plan.js';
import type { Thresholds } from './similarity-threshold.js';

/**
 * Depth of each ranking in the fused one. It is fixed, so that an item's fused score is the same on every page. Beyond it
 * the order continues by CONTENT alone.
 */
const FUSION_DEPTH = 200;

/** A part of a ranking. */
interface Slice {
  readonly hits: readonly FusedHit[];
  readonly hasMore: boolean;
  readonly approximate: boolean;
}

/** Positions `offset` to `offset + count` of the plan's ranking, and whether there is more. */
export async function rankSlice(
  ranking: VectorRanking,
  { content, counterpart, thresholds }: RankingPlan,
  offset: number,
  count: number,
): Promise<Slice> {
  if (content !== null && counterpart !== null) {
    return await fusedSlice(ranking, { content, counterpart, thresholds }, offset, count);
  }
  if (content !== null) {
    const found = await ranking.byEmbedding({ ...content, limit: count + 1, offset });
    const hits = similarHits(found, thresholds.CONTENT);
    return cut(singleEvidence({ evidence: 'CONTENT', hits }, offset + 1), count, found.approximate);
  }
  if (counterpart === null) throw new Error('a plan without a ranking');
  const found = await ranking.byCounterpart({ ...counterpart, limit: offset + count + 1 });
  const hits = singleEvidence({
    evidence: 'COUNTERPART',
    hits: similarHits(found, thresholds.COUNTERPART),
  });
  return cut(hits.slice(offset), count, found.approximate);
}

interface FusedPlan {
  readonly content: NonNullable<RankingPlan['content']>;
  readonly counterpart: NonNullable<RankingPlan['counterpart']>;
  readonly thresholds: Thresholds;
}

async function fusedSlice(
  ranking: VectorRanking,
  plan: FusedPlan,
  offset: number,
  count: number,
): Promise<Slice> {
  const [content, counterpart] = await Promise.all([
    ranking.byEmbedding({ ...plan.content, limit: FUSION_DEPTH, offset: 0 }),
    ranking.byCounterpart({ ...plan.counterpart, limit: FUSION_DEPTH }),
  ]);
  const byContent = similarHits(content, plan.thresholds.CONTENT);
  const head = fuseByReciprocalRank([
    { evidence: 'CONTENT', hits: byContent },
    { evidence: 'COUNTERPART', hits: similarHits(counterpart, plan.thresholds.COUNTERPART) },
  ]);
  const approximate = content.approximate || counterpart.approximate;
  const hits = head.slice(offset, offset + count + 1);
  // With fewer than FUSION_DEPTH hits, CONTENT has ranked every item that is similar enough.
  if (hits.length > count || byContent.length < FUSION_DEPTH) return cut(hits, count, approximate);
  const inHead = new Set(head.map((hit) => hit.id));
  const skip = Math.max(0, offset - head.length);
  const tail = await contentTail(ranking, plan, inHead, skip, count + 1 - hits.length);
  return cut([...hits, ...tail.hits], count, approximate || tail.approximate);
}

/** The order beyond the fused head: items by CONTENT alone, without those in the head. */
async function contentTail(
  ranking: VectorRanking,
  { content, thresholds }: FusedPlan,
  inHead: ReadonlySet<string>,
  skip: number,
  count: number,
): Promise<{ hits: FusedHit[]; approximate: boolean }> {
  // Items that are in the head by COUNTERPART alone occur here again and are skipped.
  const limit = skip + count + inHead.size - FUSION_DEPTH;
  const found = await ranking.byEmbedding({ ...content, limit, offset: FUSION_DEPTH });
  const ranked = similarHits(found, thresholds.CONTENT).map((hit, index) => ({
    hit,
    rank: FUSION_DEPTH + index + 1,
  }));
  const rest = ranked.filter(({ hit }) => !inHead.has(hit.id)).slice(skip, skip + count);
  return { hits: rest.map(({ hit, rank }) => tailHit(hit, rank)), approximate: found.approximate };
}

function tailHit({ id, similarity }: Hit, rank: number): FusedHit {
  return { id, score: reciprocalRank(rank), evidence: [{ evidence: 'CONTENT', rank, similarity }] };
}

/** The hits at or above the threshold, which come first. */
function similarHits({ hits }: Ranking, threshold: number | undefined): readonly Hit[] {
  return threshold === undefined ? hits : hits.filter(({ similarity }) => similarity >= threshold);
}

/** One hit more than `count` means that there is more. */
function cut(hits: readonly FusedHit[], count: number, approximate: boolean): Slice {
  return { hits: hits.slice(0, count), hasMore: hits.length > count, approximate };
}
