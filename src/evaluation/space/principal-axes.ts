import { type Dense, multiply, orthonormaliseRows, zeros } from '../../encoder/math/linear-algebra.js';
import { createRandom, normals } from '../../encoder/math/random.js';

/** More directions than are wanted, so that the wanted ones converge. */
const FURTHER = 6;
const ITERATIONS = 60;

/**
 * The directions with the most variance, by subspace iteration. The sign of each is such that its largest entry is positive, so that the
 * result is unique.
 *
 * @param spread [d, d], a covariance matrix
 * @returns [count, d], the first direction first; zeros where there are fewer
 */
export function principalAxes(spread: Dense, count: number, seed: number): Dense {
  const d = spread.columns;
  const k = Math.min(count + FURTHER, d);
  let basis: Dense = {
    data: Float64Array.from(normals(k * d, 1, createRandom(seed, 304))),
    rows: k,
    columns: d,
  };
  for (let i = 0; i < ITERATIONS; i += 1) {
    basis = multiply(basis, spread);
    orthonormaliseRows(basis);
  }
  const out = zeros(count, d);
  for (let i = 0; i < Math.min(count, basis.rows); i += 1) {
    const row = basis.data.subarray(i * d, (i + 1) * d);
    const largest = row.reduce((best, x) => (Math.abs(x) > Math.abs(best) + 1e-9 ? x : best), 0);
    out.data.set(
      row.map((x) => (largest < 0 ? -x : x)),
      i * d,
    );
  }
  return out;
}
