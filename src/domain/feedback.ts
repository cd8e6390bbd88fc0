/**
 * Pseudo-relevance feedback (Rocchio 1971; Salton and Buckley 1990): the query moves towards its own best results, as if they were
 * relevant. It is transductive, because the result for one query depends on which other items there are.
 */
import { unit } from './vectors.js';

/** The number of results that a query moves towards. */
export const FEEDBACK_RESULTS = 10;

/**
 * `(1 − strength) · query + strength · m` at unit length, where m is the mean of the results at unit length. The query itself
 * where there are no results.
 *
 * @param best unit vectors of the best results
 * @param strength 0 to 1
 */
export function moveTowards(
  query: Float32Array,
  best: readonly Float32Array[],
  strength: number,
): Float32Array {
  if (best.length === 0 || strength === 0) return query;
  const sum = query.map((_, i) => best.reduce((total, vector) => total + (vector[i] as number), 0));
  const mean = unit(sum);
  return unit(query.map((x, i) => (1 - strength) * x + strength * (mean[i] as number)));
}
