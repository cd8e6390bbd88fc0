/**
 * Fits the normalisation of feature vectors on the training set and applies it to many rows. Steps: z-score, clipping,
 * principal components. The components are not whitened: whitening amplifies directions that contain mostly noise, which
 * lowers retrieval figures for classes outside the training set. inference/normalise.ts applies it to one feature vector.
 */
import { tf } from '../../platform/tfjs.js';
import { clipped, type Normalisation } from '../inference/normalise.js';
import { isMatrix, type Matrix, type Rows } from '../math/matrix.js';
import { intoMatrix, toTensor } from '../network/tensors.js';
import { principalComponents } from './pca.js';
import { blocksOf, FITTED_ROWS, MANY_PAIRS, sampleOf } from './scale.js';

export interface NormalisationOptions {
  /** z-scores are clipped to ±clip. */
  readonly clip: number;
  /** Upper limit of the number of principal components. */
  readonly components: number;
  /** 1 divides each column by its deviation (z-score), 0 keeps the scale of the extractor; values between interpolate. */
  readonly scaling: number;
  /** Of the randomised principal components. */
  readonly seed: number;
}

/** Fits on all rows, or on `FITTED_ROWS` of many: [n, d] → a normalisation to k components, k ≤ min(`components`, n, d). */
export function fitNormalisation(rows: Rows, options: NormalisationOptions): Normalisation {
  const features = sampleOf(rows, FITTED_ROWS);
  const { rows: n, columns: d } = features;
  const { mean, deviation } = columnStatistics(features);
  const typical = Math.sqrt(deviation.reduce((sum, s) => sum + s * s, 0) / Math.max(1, d));
  const inverseDeviation = deviation.map((s) =>
    s <= 1e-7 * typical || typical === 0 ? 0 : s ** -options.scaling * typical ** (options.scaling - 1),
  );

  const scores = { mean, inverseDeviation, clip: options.clip };
  const z = zScores(scores, features);
  const moved = columnStatistics({ data: z, rows: n, columns: d }).mean;
  for (let start = 0; start < z.length; start += d) {
    for (let j = 0; j < d; j += 1) z[start + j] = (z[start + j] as number) - (moved[j] as number);
  }

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

/** Normalises rows on the tensor backend: [n, d] → [n, k]; many rows a block at a time. */
export function normalise(normalisation: Normalisation, features: Rows): Matrix {
  if (isMatrix(features) && features.rows <= MANY_PAIRS) return normaliseBlock(normalisation, features);
  const columns = normalisation.basis.columns;
  const data = new Float32Array(features.rows * columns);
  let at = 0;
  for (const block of normalisedBlocks(normalisation, features)) {
    data.set(block.data, at);
    at += block.data.length;
  }
  return { data, rows: features.rows, columns };
}

/** The normalised rows in order, a block at a time. */
export function* normalisedBlocks(normalisation: Normalisation, features: Rows): Generator<Matrix> {
  for (const { block } of blocksOf(features)) yield normaliseBlock(normalisation, block);
}

function normaliseBlock(normalisation: Normalisation, features: Matrix): Matrix {
  const { basis, offset } = normalisation;
  const rows = features.rows;
  if (rows === 0) return { data: new Float32Array(0), rows, columns: basis.columns };
  const components = tf.tidy(() => {
    const z = tf.tensor2d(zScores(normalisation, features), [rows, basis.rows]);
    return tf.sub<tf.Tensor2D>(tf.matMul(z, toTensor(basis)), tf.tensor1d(offset));
  });
  return intoMatrix(components);
}

interface ScoreParameters {
  readonly mean: ArrayLike<number>;
  readonly inverseDeviation: ArrayLike<number>;
  readonly clip: number;
}

/** The clipped z-scores of all rows, [n · d]. */
function zScores({ mean, inverseDeviation, clip }: ScoreParameters, { data, columns }: Matrix): Float32Array {
  const z = new Float32Array(data.length);
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j += 1) {
      const x = ((data[start + j] as number) - (mean[j] as number)) * (inverseDeviation[j] as number);
      z[start + j] = clipped(x, clip);
    }
  }
  return z;
}

function columnStatistics({ data, rows, columns }: Matrix): { mean: Float64Array; deviation: Float64Array } {
  const mean = new Float64Array(columns);
  const variance = new Float64Array(columns);
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j += 1) mean[j] = (mean[j] as number) + (data[start + j] as number) / rows;
  }
  for (let start = 0; start < data.length; start += columns) {
    for (let j = 0; j < columns; j += 1) {
      variance[j] = (variance[j] as number) + ((data[start + j] as number) - (mean[j] as number)) ** 2 / rows;
    }
  }
  return { mean, deviation: variance.map(Math.sqrt) };
}
