/** Small helpers around `Matrix`: rows of float32, row-major. */
import type { Matrix } from '../types.js';

/** The rows named, in that order. */
export function takeRows(matrix: Matrix, rows: Int32Array): Matrix {
  const { columns } = matrix;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    data.set(matrix.data.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return { data, rows: rows.length, columns };
}

/** One row, as a view. */
export function rowOf({ data, columns }: Matrix, row: number): Float32Array {
  return data.subarray(row * columns, (row + 1) * columns);
}

/** Vectors of one length as rows; `columns` is needed where there may be none. */
export function fromRows(vectors: readonly Float32Array[], columns = vectors[0]?.length ?? 0): Matrix {
  const data = new Float32Array(vectors.length * columns);
  vectors.forEach((vector, i) => {
    if (vector.length !== columns)
      throw new RangeError(`row ${i} has ${vector.length} columns, not ${columns}`);
    data.set(vector, i * columns);
  });
  return { data, rows: vectors.length, columns };
}
