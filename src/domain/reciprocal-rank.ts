import type { EvidenceRanking, EvidenceScore, RankedHit } from './evidence.js';

/** The constant k of reciprocal rank fusion (Cormack, Clarke, Büttcher 2009). A larger k reduces the weight of the first ranks. */
const RECIPROCAL_RANK_K = 60;

/**
 * Reciprocal rank fusion: score = Σ 1 / (60 + rank) over the rankings that contain the item. Searches do not use it; the
 * measurement of searches compares with it.
 *
 * @returns ordered by score descending, then id ascending.
 */
export function fuseByReciprocalRank(rankings: readonly EvidenceRanking[]): RankedHit[] {
  const found = new Map<string, { readonly id: string; score: number; readonly evidence: EvidenceScore[] }>();
  for (const { evidence, hits } of rankings) {
    hits.forEach(({ id, similarity }, index) => {
      const rank = index + 1;
      const entry = found.get(id) ?? { id, score: 0, evidence: [] };
      found.set(id, entry);
      entry.score += 1 / (RECIPROCAL_RANK_K + rank);
      entry.evidence.push({ evidence, rank, similarity });
    });
  }
  return [...found.values()].sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1));
}
