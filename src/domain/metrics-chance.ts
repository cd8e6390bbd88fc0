/** Expected value of each metric of metrics.ts for a gallery in random order. docs/evaluation.md has the derivations. */
import {
  idealDcg,
  mean,
  median,
  PRECISION_CUT_OFFS,
  perCutOff,
  RECALL_CUT_OFFS,
  type RetrievalMetrics,
} from './metric-values.js';

/**
 * @param gallery number of gallery items
 * @param relevant for each counted query, the number of gallery items of its class
 * @param counterparts for each counted query, the number of its counterparts
 */
export function chanceMetrics(
  gallery: number,
  relevant: readonly number[],
  counterparts: readonly number[],
): RetrievalMetrics {
  // Queries with the same count have the same expectation, so it is computed once.
  const over = (counts: readonly number[], expectation: (count: number) => number) => {
    const known = new Map<number, number>();
    return mean(
      counts.map((count) => {
        const value = known.get(count) ?? expectation(count);
        known.set(count, value);
        return value;
      }),
    );
  };
  return {
    map: over(relevant, (r) => chanceAveragePrecision(gallery, r, gallery)),
    mapAt50: over(relevant, (r) => chanceAveragePrecision(gallery, r, 50)),
    precision: perCutOff(PRECISION_CUT_OFFS, (k) =>
      over(relevant, (r) => (r / gallery) * (Math.min(k, gallery) / k)),
    ),
    ndcgAt10: over(relevant, (r) => ((r / gallery) * idealDcg(gallery, 10)) / idealDcg(r, 10)),
    recall: perCutOff(RECALL_CUT_OFFS, (k) => over(counterparts, (c) => chanceRecall(gallery, c, k))),
    mrrAt10: over(counterparts, (c) => chanceReciprocalRank(gallery, c, 10)),
    medianRank: median(counterparts.map((c) => chanceMedianRank(gallery, c))),
  };
}

/**
 * E[AP@K] = 1/min(R, K) Σ_{k ≤ K} R/N · (1 + (k − 1)(R − 1)/(N − 1)) / k.
 *
 * The item at rank k is relevant with probability R/N. Given that, each of the k − 1 items before it is relevant with
 * probability (R − 1)/(N − 1).
 */
export function chanceAveragePrecision(gallery: number, relevant: number, cutOff: number): number {
  const others = gallery > 1 ? (relevant - 1) / (gallery - 1) : 0;
  let sum = 0;
  for (let k = 1; k <= Math.min(cutOff, gallery); k += 1) sum += (1 + (k - 1) * others) / k;
  return (sum * (relevant / gallery)) / Math.min(relevant, cutOff);
}

/** 1 − C(N − c, k) / C(N, k): the probability that at least one of c counterparts is in the first k ranks. */
export function chanceRecall(gallery: number, counterparts: number, k: number): number {
  let none = 1;
  for (let i = 0; i < Math.min(k, gallery); i += 1)
    none *= Math.max(0, gallery - counterparts - i) / (gallery - i);
  return 1 - none;
}

/** Σ_{r ≤ K} P(the first counterpart is at rank r) / r. */
function chanceReciprocalRank(gallery: number, counterparts: number, cutOff: number): number {
  let sum = 0;
  for (let r = 1; r <= Math.min(cutOff, gallery); r += 1) {
    sum += (chanceRecall(gallery, counterparts, r) - chanceRecall(gallery, counterparts, r - 1)) / r;
  }
  return sum;
}

/** Median rank of the first counterpart: (N + 1)/2 for one counterpart, else the lowest rank with P(first ≤ rank) ≥ 1/2. */
function chanceMedianRank(gallery: number, counterparts: number): number {
  if (counterparts === 1) return (gallery + 1) / 2;
  let none = 1;
  for (let r = 1; r <= gallery; r += 1) {
    none *= Math.max(0, gallery - counterparts - (r - 1)) / (gallery - (r - 1));
    if (none <= 0.5) return r;
  }
  return gallery;
}
