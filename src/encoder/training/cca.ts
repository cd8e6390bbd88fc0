/**
 * Regularised canonical correlation analysis (Hotelling 1936; ridge as in Vinod 1976): the linear baseline that an encoder
 * has to beat, and a start for one that is not linear.
 */

import type { DenseLayer } from '../inference/parameters.js';
import {
  covariance,
  type Dense,
  multiply,
  symmetricEigen,
  symmetricFunction,
  transpose,
} from '../math/linear-algebra.js';
import type { Matrix } from '../math/matrix.js';

export interface Cca {
  /** [p, k] and [q, k]: x W are the canonical variates, most correlated first. */
  readonly image: Dense;
  readonly text: Dense;
  /** Canonical correlations (of the regularised problem), largest first. */
  readonly correlations: Float64Array;
}

/** Sums over the training rows that all regularisations share. */
export interface CcaStatistics {
  readonly image: ReturnType<typeof symmetricEigen>;
  readonly text: ReturnType<typeof symmetricEigen>;
  readonly cross: Dense;
}

/** @param image [n, p], @param text [n, q]; columns with mean 0. */
export function ccaStatistics(image: Matrix, text: Matrix): CcaStatistics {
  return {
    image: symmetricEigen(covariance(image, image)),
    text: symmetricEigen(covariance(text, text)),
    cross: covariance(image, text),
  };
}

/**
 * All canonical directions for one regularisation.
 *
 * @param regularisation added to each variance, as a share of the mean variance: 0.1 is light, 10 near partial least squares
 */
export function solveCca(statistics: CcaStatistics, regularisation: number): Cca {
  const halfInverse = (eigen: CcaStatistics['image']) => {
    const ridge = regularisation * (eigen.values.reduce((sum, v) => sum + v, 0) / eigen.values.length) + 1e-9;
    return symmetricFunction(eigen, (v) => 1 / Math.sqrt(Math.max(v, 0) + ridge));
  };
  const whitenImage = halfInverse(statistics.image);
  const whitenText = halfInverse(statistics.text);
  const between = multiply(multiply(whitenImage, statistics.cross), whitenText);
  // The smaller side's Gram matrix gives the singular vectors of both.
  const flip = between.rows < between.columns;
  const m = flip ? transpose(between) : between;
  const { values, vectors } = symmetricEigen(multiply(transpose(m), m));
  const correlations = values.map((v) => Math.sqrt(Math.max(v, 0)));
  const right = transpose(vectors);
  const left = multiply(m, right);
  for (let i = 0; i < left.data.length; i += 1) {
    left.data[i] = (left.data[i] as number) / Math.max(correlations[i % left.columns] as number, 1e-9);
  }
  return {
    image: multiply(whitenImage, flip ? right : left),
    text: multiply(whitenText, flip ? left : right),
    correlations,
  };
}

/**
 * The first k canonical variates as a dense layer, each weighted by its correlation to a power: 0 is plain CCA, more lets
 * the well-correlated directions count for more in a cosine (Gong et al. 2014).
 */
export function ccaLayer(weights: Dense, correlations: Float64Array, k: number, power: number): DenseLayer {
  const width = Math.min(k, weights.columns);
  const data = new Float32Array(weights.rows * width);
  for (let i = 0; i < weights.rows; i += 1) {
    for (let j = 0; j < width; j += 1) {
      data[i * width + j] =
        (weights.data[i * weights.columns + j] as number) * (correlations[j] as number) ** power;
    }
  }
  return { weights: { data, rows: weights.rows, columns: width }, bias: new Float32Array(width), slope: 1 };
}
