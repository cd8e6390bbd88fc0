/** What normalisation comes to for one feature: plain arithmetic, no tensors. See normalisation.ts. */
import { accumulate } from '../math/accumulate.js';
import type { Matrix } from '../math/matrix.js';

export interface Normalisation {
  /** [d] */
  readonly mean: Float32Array;
  /** [d]; 0 for a column that never varies, which is thereby ignored. */
  readonly inverseDeviation: Float32Array;
  /** z-scores beyond ±clip are cut. */
  readonly clip: number;
  /** [d, k]: principal directions, scaled so that the source set's components have variance 1 on average. */
  readonly basis: Matrix;
  /** [k]: what is subtracted after the projection, because clipping moves the mean. */
  readonly offset: Float32Array;
}

/**
 * One feature [d] → its components [k].
 *
 * Features are often sparse (histograms, hashed n-grams): where x is 0 its z-score is a constant, so those columns'
 * share is summed once, and only the others are walked.
 */
export function createProjection(normalisation: Normalisation): (feature: Float32Array) => Float32Array {
  const { mean, inverseDeviation, clip, basis, offset } = normalisation;
  const d = basis.rows;
  const k = basis.columns;
  const weights = basis.data;
  const zeroScore = mean.map((m, i) => clipped(-m * (inverseDeviation[i] as number), clip));
  const atZero = new Float64Array(k);
  for (let i = 0; i < d; i += 1) {
    const z = zeroScore[i] as number;
    for (let j = 0; j < k; j += 1) atZero[j] = (atZero[j] as number) + z * (weights[i * k + j] as number);
  }
  for (let j = 0; j < k; j += 1) atZero[j] = (atZero[j] as number) - (offset[j] as number);

  const moved = new Float64Array(d);
  const rows = new Int32Array(d);
  return (feature) => {
    let count = 0;
    for (let i = 0; i < d; i += 1) {
      const x = feature[i] as number;
      if (x === 0) continue;
      const z =
        clipped((x - (mean[i] as number)) * (inverseDeviation[i] as number), clip) - (zeroScore[i] as number);
      if (z === 0) continue;
      moved[count] = z;
      rows[count] = i * k;
      count += 1;
    }
    const sums = Float64Array.from(atZero);
    accumulate(sums, moved, rows, count, weights);
    return Float32Array.from(sums);
  };
}

export function clipped(x: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, x));
}
