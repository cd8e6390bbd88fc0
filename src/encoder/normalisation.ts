/**
 * What is done to a feature before any learnt layer: z-score, clip, principal components. Fitted on the source set and
 * stored with the encoder. The components are *not* whitened: whitening blows up directions that hold little but noise,
 * which ruins classes that were not in the source set.
 */
import { principalComponents } from './pca.js';
import type { Matrix } from './types.js';

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

export interface NormalisationOptions {
  readonly clip: number;
  /** At most this many principal components. */
  readonly components: number;
  /** 1 divides each column by its deviation (z-score), 0 leaves the extractor's own scale, between is between. */
  readonly scaling: number;
  readonly seed: number;
}

/** Fits on all rows given. */
export function fitNormalisation(features: Matrix, options: NormalisationOptions): Normalisation {
  const { rows: n, columns: d } = features;
  const { mean, deviation } = columnStatistics(features);
  const typical = Math.sqrt(deviation.reduce((sum, s) => sum + s * s, 0) / Math.max(1, d));
  const inverseDeviation = deviation.map((s) =>
    s <= 1e-7 * typical || typical === 0 ? 0 : s ** -options.scaling * typical ** (options.scaling - 1),
  );

  const z = new Float32Array(n * d);
  for (let i = 0; i < n * d; i += 1) {
    const j = i % d;
    z[i] = clipped(
      ((features.data[i] as number) - (mean[j] as number)) * (inverseDeviation[j] as number),
      options.clip,
    );
  }
  const moved = columnStatistics({ data: z, rows: n, columns: d }).mean;
  for (let i = 0; i < n * d; i += 1) z[i] = (z[i] as number) - (moved[i % d] as number);

  const { basis, variances } = principalComponents(
    { data: z, rows: n, columns: d },
    options.components,
    options.seed,
  );
  const k = basis.columns;
  const variance = variances.reduce((sum, v) => sum + v, 0) / Math.max(1, k);
  const scale = variance > 0 ? 1 / Math.sqrt(variance) : 1;
  const scaled = { data: basis.data.map((x) => x * scale), rows: d, columns: k };
  const offset = new Float32Array(k);
  for (let i = 0; i < d; i += 1) {
    for (let j = 0; j < k; j += 1) {
      offset[j] = (offset[j] as number) + (moved[i] as number) * (scaled.data[i * k + j] as number);
    }
  }
  return {
    mean: Float32Array.from(mean),
    inverseDeviation: Float32Array.from(inverseDeviation),
    clip: options.clip,
    basis: scaled,
    offset,
  };
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

  const sums = new Float64Array(k);
  return (feature) => {
    sums.set(atZero);
    for (let i = 0; i < d; i += 1) {
      const x = feature[i] as number;
      if (x === 0) continue;
      const z =
        clipped((x - (mean[i] as number)) * (inverseDeviation[i] as number), clip) - (zeroScore[i] as number);
      if (z === 0) continue;
      const start = i * k;
      for (let j = 0; j < k; j += 1) sums[j] = (sums[j] as number) + z * (weights[start + j] as number);
    }
    return Float32Array.from(sums);
  };
}

/** Rows [n, d] → [n, k]. */
export function normalise(normalisation: Normalisation, features: Matrix): Matrix {
  const project = createProjection(normalisation);
  const k = normalisation.basis.columns;
  const data = new Float32Array(features.rows * k);
  for (let row = 0; row < features.rows; row += 1) {
    data.set(project(features.data.subarray(row * features.columns, (row + 1) * features.columns)), row * k);
  }
  return { data, rows: features.rows, columns: k };
}

function clipped(x: number, limit: number): number {
  return Math.min(limit, Math.max(-limit, x));
}

function columnStatistics({ data, rows, columns }: Matrix): { mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(columns);
  const deviation = new Float64Array(columns);
  for (let i = 0; i < data.length; i += 1) {
    const j = i % columns;
    mean[j] = (mean[j] as number) + (data[i] as number) / rows;
  }
  for (let i = 0; i < data.length; i += 1) {
    const j = i % columns;
    deviation[j] = (deviation[j] as number) + ((data[i] as number) - (mean[j] as number)) ** 2 / rows;
  }
  return { mean, deviation: deviation.map(Math.sqrt) };
}
