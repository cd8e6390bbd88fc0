/** Regularised canonical correlation analysis (Hotelling 1936; ridge as in Vinod 1976). */
import {
  covariance,
  type Dense,
  multiply,
  symmetricEigen,
  symmetricFunction,
  transpose,
} from './linear-algebra.js';
import type { Matrix } from './matrix.js';

export interface Cca {
  /** [p, k]: x W are the canonical variates, highest correlation first. */
  readonly image: Dense;
  /** [q, k] */
  readonly text: Dense;
  /** [k]: canonical correlations of the regularised problem, largest first. */
  readonly correlations: Float64Array;
}

/** Sums over the training rows. They do not depend on the regularisation, so several regularisations can share them. */
export interface CcaStatistics {
  readonly image: ReturnType<typeof symmetricEigen>;
  readonly text: ReturnType<typeof symmetricEigen>;
  /** [p, q]: the cross-covariance. */
  readonly cross: Dense;
}

/** @param image [n, p], @param text [n, q]; the columns of both have mean 0. */
export function ccaStatistics(image: Matrix, text: Matrix): CcaStatistics {
  return {
    image: symmetricEigen(covariance(image, image)),
    text: symmetricEigen(covariance(text, text)),
    cross: covariance(image, text),
  };
}

/**
 * All canonical directions for one regularisation; k = min(p, q).
 *
 * @param regularisation added to each variance, as a share of the mean variance: 0.1 is light, 10 is close to partial least
 *   squares
 */
export function solveCca(statistics: CcaStatistics, regularisation: number): Cca {
  const halfInverse = (eigen: CcaStatistics['image']) => {
    const ridge = regularisation * (eigen.values.reduce((sum, v) => sum + v, 0) / eigen.values.length) + 1e-9;
    return symmetricFunction(eigen, (v) => 1 / Math.sqrt(Math.max(v, 0) + ridge));
  };
  const whitenImage = halfInverse(statistics.image);
  const whitenText = halfInverse(statistics.text);
  const between = multiply(multiply(whitenImage, statistics.cross), whitenText);
  // The Gram matrix of the smaller side gives the singular vectors of both sides.
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
