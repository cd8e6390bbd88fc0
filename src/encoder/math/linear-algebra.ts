/** Dense linear algebra in float64 for small matrices, as PCA and CCA need it. */
import { EigenvalueDecomposition, Matrix as MlMatrix } from 'ml-matrix';
import type { Matrix } from './matrix.js';

/** Rows of float64, row-major. */
export interface Dense {
  readonly data: Float64Array;
  readonly rows: number;
  readonly columns: number;
}

/** [rows, columns] of zeros. */
export function zeros(rows: number, columns: number): Dense {
  return { data: new Float64Array(rows * columns), rows, columns };
}

/** A B: [n, k] · [k, m] → [n, m]. */
export function multiply(a: Dense, b: Dense): Dense {
  const out = zeros(a.rows, b.columns);
  const n = b.columns;
  for (let i = 0; i < a.rows; i += 1) {
    const target = out.data.subarray(i * n, (i + 1) * n);
    for (let k = 0; k < a.columns; k += 1) {
      const factor = a.data[i * a.columns + k] as number;
      if (factor === 0) continue;
      const source = b.data.subarray(k * n, (k + 1) * n);
      for (let j = 0; j < n; j += 1) target[j] = (target[j] as number) + factor * (source[j] as number);
    }
  }
  return out;
}

/** Aᵀ. */
export function transpose(a: Dense): Dense {
  const out = zeros(a.columns, a.rows);
  for (let i = 0; i < a.rows; i += 1) {
    for (let j = 0; j < a.columns; j += 1) out.data[j * a.rows + i] = a.data[i * a.columns + j] as number;
  }
  return out;
}

/** Aᵀ B / n: [n, p], [n, q] → [p, q]. It is the covariance if the columns have mean 0. */
export function covariance(a: Matrix, b: Matrix): Dense {
  const out = zeros(a.columns, b.columns);
  const n = b.columns;
  // Four rows at a time, so that each sum is read and written once for four rows.
  for (let r = 0; r < a.rows; r += 4) {
    const left = Math.min(4, a.rows - r);
    for (let i = 0; i < a.columns; i += 1) {
      const x = (k: number) => (k < left ? (a.data[(r + k) * a.columns + i] as number) : 0);
      const [x0, x1, x2, x3] = [x(0), x(1), x(2), x(3)];
      const target = i * n;
      const [r0, r1, r2, r3] = [0, 1, 2, 3].map((k) => (r + Math.min(k, left - 1)) * n) as [
        number,
        number,
        number,
        number,
      ];
      for (let j = 0; j < n; j += 1) {
        out.data[target + j] =
          (out.data[target + j] as number) +
          x0 * (b.data[r0 + j] as number) +
          x1 * (b.data[r1 + j] as number) +
          x2 * (b.data[r2 + j] as number) +
          x3 * (b.data[r3 + j] as number);
      }
    }
  }
  for (let i = 0; i < out.data.length; i += 1) out.data[i] = (out.data[i] as number) / a.rows;
  return out;
}

/** The eigenvalues of a symmetric matrix, largest first, and its eigenvectors as the *rows* of `vectors`. */
export function symmetricEigen(a: Dense): { readonly values: Float64Array; readonly vectors: Dense } {
  const n = a.rows;
  const matrix = new MlMatrix(n, n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < n; j += 1) {
      // The solver requires exact symmetry, which products lose by rounding.
      matrix.set(i, j, ((a.data[i * n + j] as number) + (a.data[j * n + i] as number)) / 2);
    }
  }
  const evd = new EigenvalueDecomposition(matrix, { assumeSymmetric: true });
  const order = evd.realEigenvalues
    .map((_, i) => i)
    .sort((x, y) => (evd.realEigenvalues[y] as number) - (evd.realEigenvalues[x] as number));
  const vectors = zeros(n, n);
  const values = new Float64Array(n);
  order.forEach((from, to) => {
    values[to] = evd.realEigenvalues[from] as number;
    for (let i = 0; i < n; i += 1) vectors.data[to * n + i] = evd.eigenvectorMatrix.get(i, from);
  });
  return { values, vectors };
}

/** Σ f(λ) u uᵀ over the eigenpairs of a symmetric matrix, for example its inverse square root. */
export function symmetricFunction(
  eigen: { readonly values: Float64Array; readonly vectors: Dense },
  f: (eigenvalue: number) => number,
): Dense {
  const n = eigen.vectors.rows;
  const scaled = zeros(n, n);
  for (let i = 0; i < n; i += 1) {
    const factor = f(eigen.values[i] as number);
    for (let j = 0; j < n; j += 1)
      scaled.data[i * n + j] = factor * (eigen.vectors.data[i * n + j] as number);
  }
  return multiply(transpose(eigen.vectors), scaled);
}

/**
 * Makes the rows orthonormal, in place, by modified Gram–Schmidt. A row in the span of the rows before it becomes 0.
 *
 * @param passes 1 separates the directions approximately, 2 is exact up to rounding
 */
export function orthonormaliseRows(a: Dense, passes: 1 | 2 = 2): void {
  const n = a.columns;
  const row = (i: number) => a.data.subarray(i * n, (i + 1) * n);
  const dot = (x: Float64Array, y: Float64Array) => {
    let sum = 0;
    for (let k = 0; k < n; k += 1) sum += (x[k] as number) * (y[k] as number);
    return sum;
  };
  for (let i = 0; i < a.rows; i += 1) {
    const x = row(i);
    const before = Math.sqrt(dot(x, x));
    for (let pass = 0; pass < passes; pass += 1) {
      for (let j = 0; j < i; j += 1) {
        const y = row(j);
        const along = dot(x, y);
        for (let k = 0; k < n; k += 1) x[k] = (x[k] as number) - along * (y[k] as number);
      }
    }
    const norm = Math.sqrt(dot(x, x));
    const factor = norm > 1e-10 * before ? 1 / norm : 0;
    for (let k = 0; k < n; k += 1) x[k] = (x[k] as number) * factor;
  }
}
