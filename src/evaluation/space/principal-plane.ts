/** The plane with the most variance of some points. */
import { covariance, type Dense, multiply, transpose } from '../../encoder/math/linear-algebra.js';
import type { Matrix } from '../../encoder/math/matrix.js';
import { principalAxes } from './principal-axes.js';

export interface PrincipalPlane {
  /** [n, 2] */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** Share of the variance in the plane; 1 where there is no variance. */
  readonly explained: number;
}

export function principalPlane(rows: Matrix, seed: number): PrincipalPlane {
  const centred = centre(rows);
  const { columns: d } = rows;
  const spread = covariance(centred, centred);
  let total = 0;
  for (let j = 0; j < d; j += 1) total += spread.data[j * d + j] as number;

  const basis = principalAxes(spread, 2, seed);
  const scores = multiply(toDense(centred), transpose(basis));
  const at = (row: number, j: number) => scores.data[row * 2 + j] as number;
  let shown = 0;
  for (let row = 0; row < rows.rows; row += 1) shown += at(row, 0) ** 2 + at(row, 1) ** 2;
  return {
    points: Array.from({ length: rows.rows }, (_, row) => [at(row, 0), at(row, 1)] as const),
    explained: total === 0 ? 1 : Math.min(1, shown / Math.max(1, rows.rows) / total),
  };
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
