/**
 * Principal components by randomised subspace iteration (Halko, Martinsson and Tropp, 2011): the products with the data run
 * on the tensor backend, the small factorisations in float64.
 */
import { tf } from '../../platform/tfjs.js';
import { covariance, type Dense, orthonormaliseRows, symmetricEigen } from '../math/linear-algebra.js';
import type { Matrix } from '../math/matrix.js';
import { createRandom, normals } from '../math/random.js';

export interface PrincipalComponents {
  /** [d, k]; column j is the j-th principal direction, of unit length. */
  readonly basis: Matrix;
  /** [k]; variance along each, largest first. */
  readonly variances: Float64Array;
}

/** Below this many columns the covariance is small enough to be decomposed exactly. */
const EXACT_UP_TO = 160;
const OVERSAMPLING = 24;
const ITERATIONS = 4;

/**
 * The first principal directions of rows whose columns have mean 0.
 *
 * @param centred [n, d]
 * @param components how many at most; fewer where n or d is smaller
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
  const x = tf.tensor2d(centred.data, [n, d]);
  let z = tf.tensor2d(normals(q * d, 1, createRandom(seed, 101)), [q, d]);
  for (let i = 0; i < ITERATIONS; i += 1) {
    const last = i === ITERATIONS - 1;
    const next = tf.tidy(() => {
      const y = tf.matMul<tf.Tensor2D>(z, x, false, true);
      // Between iterations it is enough that no direction drowns in the largest; only the result must be exact.
      return orthonormal(tf.matMul(y, x), last ? 2 : 1);
    });
    z.dispose();
    z = next;
  }
  // Rayleigh–Ritz: within the subspace found, the exact directions.
  const small = tf.tidy(() => {
    const scores = tf.matMul(z, x, false, true);
    return tf.matMul(scores, scores, false, true);
  });
  const ritz = symmetricEigen({
    data: Float64Array.from(small.dataSync(), (v) => v / n),
    rows: q,
    columns: q,
  });
  const rotation = tf.tensor2d(Float32Array.from(ritz.vectors.data.subarray(0, k * q)), [k, q]);
  const basis = tf.tidy(() => tf.transpose(tf.matMul(rotation, z)));
  const data = Float32Array.from(basis.dataSync());
  tf.dispose([x, z, small, rotation, basis]);
  return { basis: { data, rows: d, columns: k }, variances: ritz.values.slice(0, k) };
}

/** The same row space with orthonormal rows. */
function orthonormal(rows: tf.Tensor2D, passes: 1 | 2): tf.Tensor2D {
  const [q, n] = rows.shape;
  const dense: Dense = { data: Float64Array.from(rows.dataSync()), rows: q, columns: n };
  orthonormaliseRows(dense, passes);
  return tf.tensor2d(Float32Array.from(dense.data), [q, n]);
}

function columnsFromRows(vectors: Dense, k: number): Matrix {
  const d = vectors.columns;
  const data = new Float32Array(d * k);
  for (let j = 0; j < k; j += 1) {
    for (let i = 0; i < d; i += 1) data[i * k + j] = vectors.data[j * d + i] as number;
  }
  return { data, rows: d, columns: k };
}
