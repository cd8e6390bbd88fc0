/** The normalisation of one feature vector: plain arithmetic, no tensors. training/fit-normalisation.ts fits it. */
import { accumulate } from '../math/accumulate.js';
import type { Matrix } from '../math/matrix.js';

/** z-score, clipping and principal components. d is the length of a feature vector, k the number of components. */
export interface Normalisation {
  /** [d] */
  readonly mean: Float32Array;
  /** [d]; 0 for a column that never varies, so that the column is ignored. */
  readonly inverseDeviation: Float32Array;
  /** z-scores are clipped to ±clip. */
  readonly clip: number;
  /** [d, k]: principal directions, scaled so that the components of the training set have variance 1 on average. */
  readonly basis: Matrix;
  /** [k]: subtracted from the components, because clipping moves the mean. */
  readonly offset: Float32Array;
}

/**
 * A function that maps one feature vector [d] to its components [k].
 *
 * Feature vectors are often sparse (histograms, hashed n-grams). The z-score of a zero is a constant of its column, so the
 * contribution of all zeros is summed once, and each call visits only the other columns.
 */
export function createNormaliser(normalisation: Normalisation): (feature: Float32Array) => Float32Array {
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

/** x limited to ±limit. */
export function clipped(x: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, x));
}
