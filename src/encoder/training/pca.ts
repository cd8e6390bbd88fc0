/**
 * Principal components by randomised subspace iteration (Halko, Martinsson and Tropp, 2011). The products with the data run
 * on the tensor backend; the small factorisations run in float64.
 */
import { tf } from '../../platform/tfjs.js';
import { covariance, type Dense, orthonormaliseRows, symmetricEigen } from '../math/linear-algebra.js';
import type { Matrix } from '../math/matrix.js';
import { createRandom, normals } from '../math/random.js';
import { intoMatrix, toTensor } from '../network/tensors.js';

export interface PrincipalComponents {
  /** [d, k]; column j is the j-th principal direction, of unit length. */
  readonly basis: Matrix;
  /** [k]; the variance along each direction, largest first. */
  readonly variances: Float64Array;
}

/** Up to this many columns, the covariance matrix is small enough for an exact decomposition. */
const EXACT_UP_TO = 160;
/** Extra directions of the subspace: they make the first k more accurate. */
const OVERSAMPLING = 24;
const ITERATIONS = 4;

/**
 * The first principal directions of rows whose columns have mean 0. The same input and seed give the same result.
 *
 * @param centred [n, d]
 * @param components upper limit of k; k is smaller where n or d is smaller
 * @param seed of the random start; not used where the decomposition is exact
 */
export function principalComponents(centred: Matrix, components: number, seed: number): PrincipalComponents {
  const k = Math.min(components, centred.columns, centred.rows);
  return centred.columns <= EXACT_UP_TO ? exact(centred, k) : randomised(centred, k, seed);
}

function exact(centred: Matrix, k: number): PrincipalComponents {
  const { values, vectors } = symmetricEigen(covariance(centred, centred));
  return { basis: columnsFromRows(vectors, k), variances: values.slice(0, k) };
}

function randomised(centred: Matrix, k: number, seed: number): PrincipalComponents {
  const { rows: n, columns: d } = centred;
  const q = Math.min(k + OVERSAMPLING, n, d);
  let variances = new Float64Array();
  const basis = tf.tidy(() => {
    const x = toTensor(centred);
    let z = tf.tensor2d(normals(q * d, 1, createRandom(seed, 101)), [q, d]);
    for (let i = 0; i < ITERATIONS; i += 1) {
      const last = i === ITERATIONS - 1;
      const next = tf.tidy(() => {
        const y = tf.matMul<tf.Tensor2D>(z, x, false, true);
        // One pass keeps the smaller directions from vanishing beside the largest. Only the result must be orthonormal.
        return orthonormal(tf.matMul(y, x), last ? 2 : 1);
      });
      z.dispose();
      z = next;
    }
    // Rayleigh–Ritz: the exact directions within the subspace found.
    const small = tf.tidy(() => {
      const scores = tf.matMul(z, x, false, true);
      return tf.matMul(scores, scores, false, true);
    });
    const ritz = symmetricEigen({
      data: Float64Array.from(small.dataSync(), (v) => v / n),
      rows: q,
      columns: q,
    });
    variances = ritz.values.slice(0, k);
    const rotation = tf.tensor2d(Float32Array.from(ritz.vectors.data.subarray(0, k * q)), [k, q]);
    return tf.transpose(tf.matMul<tf.Tensor2D>(rotation, z));
  });
  return { basis: intoMatrix(basis), variances };
}

/** A tensor with the same row space and orthonormal rows. The caller owns it. */
function orthonormal(rows: tf.Tensor2D, passes: 1 | 2): tf.Tensor2D {
  const [q, n] = rows.shape;
  const dense: Dense = { data: Float64Array.from(rows.dataSync()), rows: q, columns: n };
  orthonormaliseRows(dense, passes);
  return tf.tensor2d(Float32Array.from(dense.data), [q, n]);
}

/** The first k rows as the columns of a matrix: [k, d] → [d, k]. */
function columnsFromRows(vectors: Dense, k: number): Matrix {
  const d = vectors.columns;
  const data = new Float32Array(d * k);
  for (let j = 0; j < k; j += 1) {
    for (let i = 0; i < d; i += 1) data[i * k + j] = vectors.data[j * d + i] as number;
  }
  return { data, rows: d, columns: k };
}
