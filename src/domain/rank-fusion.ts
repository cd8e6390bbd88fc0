/** Kinds of evidence by which a search finds an item; see the schema's `Evidence`. */
export const EVIDENCES = ['CONTENT', 'COUNTERPART'] as const;
export type Evidence = (typeof EVIDENCES)[number];

/** Score of an item under one kind of evidence; `rank` is its rank in that evidence's ranking, from 1. */
interface EvidenceScore {
  readonly evidence: Evidence;
  readonly rank: number;
  readonly similarity: number;
}

export interface FusedHit {
  readonly id: string;
  readonly score: number;
  readonly evidence: readonly EvidenceScore[];
}

/** A ranking of one kind of evidence, best first. */
export interface EvidenceRanking {
  readonly evidence: Evidence;
  readonly hits: readonly { readonly id: string; readonly similarity: number }[];
}

/** The constant k of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009). A larger k reduces the weight of the first ranks. */
const RECIPROCAL_RANK_K = 60;

/** The term that a rank (from 1) adds to an item's fused score. */
export function reciprocalRank(rank: number): number {
  return 1 / (RECIPROCAL_RANK_K + rank);
}

/**
 * Reciprocal rank fusion: score = Σ 1 / (60 + rank) over the rankings that contain the item.
 * The result is ordered by score descending, then id ascending.
 */
export function fuseByReciprocalRank(rankings: readonly EvidenceRanking[]): FusedHit[] {
  const found = new Map<string, { readonly id: string; score: number; readonly evidence: EvidenceScore[] }>();
  for (const { evidence, hits } of rankings) {
    hits.forEach(({ id, similarity }, index) => {
      const rank = index + 1;
      const entry = found.get(id);
      if (entry === undefined) {
        found.set(id, { id, score: reciprocalRank(rank), evidence: [{ evidence, rank, similarity }] });
        return;
      }
      entry.score += reciprocalRank(rank);
      entry.evidence.push({ evidence, rank, similarity });
    });
  }
  return [...found.values()].sort(byScoreThenId);
}

/** A single ranking without fusion: the score is the cosine similarity. `firstRank` is the rank of the first hit. */
export function singleEvidence(ranking: EvidenceRanking, firstRank = 1): FusedHit[] {
  return ranking.hits.map(({ id, similarity }, index) => ({
    id,
    score: similarity,
    evidence: [{ evidence: ranking.evidence, rank: firstRank + index, similarity }],
  }));
}

function byScoreThenId(a: FusedHit, b: FusedHit): number {
  return b.score - a.score || (a.id < b.id ? -1 : 1);
}
