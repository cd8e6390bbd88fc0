/** Rows of float32, row-major: row i is `data.subarray(i * columns, (i + 1) * columns)`. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** Rows of float32 that are not in memory and are read by position, e.g. those of a file. */
export interface StoredRows {
  readonly rows: number;
  readonly columns: number;
  /** The rows with these indices, in the order given: [indices.length, columns]. */
  read(indices: Int32Array): Matrix;
}

/** A complete file of rows, as `RowFileWriter` (platform/row-file-writer.ts) leaves it. A thread opens it with `openRowFile`. */
export interface RowFileRef {
  readonly file: string;
  readonly rows: number;
  readonly columns: number;
}

/** Rows in memory or elsewhere. Code that takes either reads blocks or samples of them. */
export type Rows = Matrix | StoredRows;

/** Row `row` as a view of [columns]: it shares memory with the matrix. */
export function rowOf({ data, columns }: Pick<Matrix, 'data' | 'columns'>, row: number): Float32Array {
  return data.subarray(row * columns, (row + 1) * columns);
}

/** Whether the rows are in memory. */
export function isMatrix(rows: Rows | RowFileRef): rows is Matrix {
  return 'data' in rows;
}
