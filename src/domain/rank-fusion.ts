/** What an item can be found by; see the schema's `Evidence`. */
export const EVIDENCES = ['CONTENT', 'COUNTERPART'] as const;
export type Evidence = (typeof EVIDENCES)[number];

/** How one kind of evidence speaks for an item; `rank` from 1 in that evidence's own ranking. */
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

/** The constant of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009): how little a first place is worth more. */
const RECIPROCAL_RANK_K = 60;

/** What one ranking adds to an item's fused score; `rank` from 1. */
export function reciprocalRank(rank: number): number {
  return 1 / (RECIPROCAL_RANK_K + rank);
}

/**
 * Reciprocal rank fusion: score = Σ over the rankings that hold the item of 1 / (60 + rank).
 * Ordered by score descending, then id ascending.
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

/** A single ranking as it stands: the score is the cosine similarity itself. `firstRank` is the rank of its first hit. */
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
