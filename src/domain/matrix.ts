/** Rows of float32, row-major: row i is `data.subarray(i * columns, (i + 1) * columns)`. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Row `row` as a view of [columns]: it shares memory with the matrix. */
export function rowOf({ data, columns }: Pick<Matrix, 'data' | 'columns'>, row: number): Float32Array {
  return data.subarray(row * columns, (row + 1) * columns);
}
