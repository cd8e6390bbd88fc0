/** The plane with the most variance of some points. */
import {
  covariance,
  type Dense,
  multiply,
  orthonormaliseRows,
  transpose,
  zeros,
} from '../../encoder/math/linear-algebra.js';
import type { Matrix } from '../../encoder/math/matrix.js';
import { createRandom, normals } from '../../encoder/math/random.js';

export interface PrincipalPlane {
  /** [n, 2] */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Share of the variance in the plane; 1 where there is no variance. */
  readonly explained: number;
}

/** More directions than two, so that the first two converge. */
const DIRECTIONS = 8;
const ITERATIONS = 60;

/** By subspace iteration. The sign of each direction is such that its largest entry is positive, so that the result is unique. */
export function principalPlane(rows: Matrix, seed: number): PrincipalPlane {
  const centred = centre(rows);
  const { columns: d } = rows;
  const k = Math.min(DIRECTIONS, d);
  const spread = covariance(centred, centred);
  let total = 0;
  for (let j = 0; j < d; j += 1) total += spread.data[j * d + j] as number;

  let basis: Dense = {
    data: Float64Array.from(normals(k * d, 1, createRandom(seed, 304))),
    rows: k,
    columns: d,
  };
  for (let i = 0; i < ITERATIONS; i += 1) {
    basis = multiply(basis, spread);
    orthonormaliseRows(basis);
  }
  const scores = multiply(toDense(centred), transpose(firstTwo(basis)));
  const at = (row: number, j: number) => scores.data[row * 2 + j] as number;
  let shown = 0;
  for (let row = 0; row < rows.rows; row += 1) shown += at(row, 0) ** 2 + at(row, 1) ** 2;
  return {
    points: Array.from({ length: rows.rows }, (_, row) => [at(row, 0), at(row, 1)] as const),
    explained: total === 0 ? 1 : Math.min(1, shown / Math.max(1, rows.rows) / total),
  };
}

/** The first two directions, with the sign that makes the largest entry positive; zeros where there are fewer. */
function firstTwo(basis: Dense): Dense {
  const out = zeros(2, basis.columns);
  for (let i = 0; i < Math.min(2, basis.rows); i += 1) {
    const row = basis.data.subarray(i * basis.columns, (i + 1) * basis.columns);
    const largest = row.reduce((best, x) => (Math.abs(x) > Math.abs(best) + 1e-9 ? x : best), 0);
    out.data.set(
      row.map((x) => (largest < 0 ? -x : x)),
      i * basis.columns,
    );
  }
  return out;
}

function centre({ data, rows, columns }: Matrix): Matrix {
  const means = new Float64Array(columns);
  data.forEach((x, i) => {
    means[i % columns] = (means[i % columns] as number) + x / rows;
  });
  return { data: data.map((x, i) => x - (means[i % columns] as number)), rows, columns };
}

function toDense({ data, rows, columns }: Matrix): Dense {
  return { data: Float64Array.from(data), rows, columns };
}
