import type { CounterpartQuery, EmbeddingQuery, Hit, Ranking } from '../../catalog/types.js';
import type { VectorStore } from '../../catalog/vectors/vector-store.js';
import {
  type Evidence,
  type FusedHit,
  fuseByReciprocalRank,
  reciprocalRank,
  singleEvidence,
} from '../../domain/rank-fusion.js';

/**
 * How deep each ranking goes into the fused one. It is fixed, so that an item's fused score does not change from page
 * to page; beyond it the order goes on by CONTENT alone.
 */
const FUSION_DEPTH = 200;

/** What a search comes down to once its query is read: the rankings that can be had. At least one is not null. */
export interface RankingPlan {
  readonly content: Omit<EmbeddingQuery, 'limit' | 'offset'> | null;
  readonly counterpart: Omit<CounterpartQuery, 'limit'> | null;
  /** What is less similar is cut from that kind of evidence's ranking, before rankings are fused. Absent: nothing is. */
  readonly least: LeastSimilarity;
}

/** A least similarity for each kind of evidence that has one. */
export type LeastSimilarity = Readonly<Partial<Record<Evidence, number>>>;

/** A stretch of a ranking. */
export interface Slice {
  readonly hits: readonly FusedHit[];
  readonly hasMore: boolean;
  readonly approximate: boolean;
}

/** Positions `offset` to `offset + count` of the plan's ranking, and whether there is more. */
export async function rankSlice(
  vectors: VectorStore,
  plan: RankingPlan,
  offset: number,
  count: number,
): Promise<Slice> {
  const { content, counterpart, least } = plan;
  if (content !== null && counterpart !== null) {
    return await fusedSlice(vectors, content, counterpart, least, offset, count);
  }
  if (content !== null) {
    const ranking = await vectors.nearestByEmbedding({ ...content, limit: count + 1, offset });
    const near = hitsFrom(ranking, least.CONTENT);
    return cut(singleEvidence({ evidence: 'CONTENT', hits: near }, offset + 1), count, ranking.approximate);
  }
  if (counterpart === null) throw new Error('a plan without a ranking');
  const ranking = await vectors.nearestByCounterpart({ ...counterpart, limit: offset + count + 1 });
  const near = hitsFrom(ranking, least.COUNTERPART);
  const hits = singleEvidence({ evidence: 'COUNTERPART', hits: near });
  return cut(hits.slice(offset), count, ranking.approximate);
}

async function fusedSlice(
  vectors: VectorStore,
  content: NonNullable<RankingPlan['content']>,
  counterpart: NonNullable<RankingPlan['counterpart']>,
  least: LeastSimilarity,
  offset: number,
  count: number,
): Promise<Slice> {
  const found = await vectors.nearest({
    content: { ...content, limit: FUSION_DEPTH, offset: 0 },
    counterpart: { ...counterpart, limit: FUSION_DEPTH },
  });
  const byContent = hitsFrom(found.content, least.CONTENT);
  const head = fuseByReciprocalRank([
    { evidence: 'CONTENT', hits: byContent },
    { evidence: 'COUNTERPART', hits: hitsFrom(found.counterpart, least.COUNTERPART) },
  ]);
  const approximate = [found.content, found.counterpart].some((ranking) => ranking?.approximate === true);
  const hits = head.slice(offset, offset + count + 1);
  // Fewer than asked for means that CONTENT has ranked everything there is, or all that is similar enough.
  if (hits.length > count || byContent.length < FUSION_DEPTH) return cut(hits, count, approximate);
  const inHead = new Set(head.map((hit) => hit.id));
  const skip = Math.max(0, offset - head.length);
  const tail = await contentTail(vectors, content, least, inHead, skip, count + 1 - hits.length);
  return cut([...hits, ...tail.hits], count, approximate || tail.approximate);
}

/** The order beyond the fused head: items by CONTENT alone, without those that the head holds already. */
async function contentTail(
  vectors: VectorStore,
  content: NonNullable<RankingPlan['content']>,
  least: LeastSimilarity,
  inHead: ReadonlySet<string>,
  skip: number,
  count: number,
): Promise<{ hits: FusedHit[]; approximate: boolean }> {
  // Those of the head that only their counterparts brought there come up here once more, and are passed over.
  const limit = skip + count + inHead.size - FUSION_DEPTH;
  const ranking = await vectors.nearestByEmbedding({ ...content, limit, offset: FUSION_DEPTH });
  const ranked = hitsFrom(ranking, least.CONTENT).map((hit, index) => ({
    hit,
    rank: FUSION_DEPTH + index + 1,
  }));
  const rest = ranked.filter(({ hit }) => !inHead.has(hit.id)).slice(skip, skip + count);
  return { hits: rest.map(({ hit, rank }) => tailHit(hit, rank)), approximate: ranking.approximate };
}

function tailHit({ id, similarity }: Hit, rank: number): FusedHit {
  return { id, score: reciprocalRank(rank), evidence: [{ evidence: 'CONTENT', rank, similarity }] };
}

/** The hits of a ranking that are similar enough: the first of them, for rankings descend. */
function hitsFrom(ranking: Ranking | null, least: number | undefined): readonly Hit[] {
  const hits = ranking?.hits ?? [];
  return least === undefined ? hits : hits.filter(({ similarity }) => similarity >= least);
}

/** One more than asked for tells that there is more. */
function cut(hits: readonly FusedHit[], count: number, approximate: boolean): Slice {
  return { hits: hits.slice(0, count), hasMore: hits.length > count, approximate };
}
