/** Float32 matrices. The types and `rowOf` stand in the domain because the catalogue and the metrics use them too. */
import { CommonspaceError } from '../../domain/errors.js';
import { isMatrix, type Matrix, type Rows, rowOf } from '../../domain/matrix.js';

export { isMatrix, type Matrix, type Rows, rowOf };

/** Copies the rows with these indices, in the order given: [rows.length, columns]. */
export function takeRows(matrix: Rows, rows: Int32Array): Matrix {
  if (!isMatrix(matrix)) return matrix.read(rows);
  const { columns } = matrix;
  const data = new Float32Array(rows.length * columns);
  rows.forEach((row, i) => {
    data.set(rowOf(matrix, row), i * columns);
  });
  return { data, rows: rows.length, columns };
}

/**
 * The rows with these indices: copied where the rows are in memory, else read when they are asked for.
 */
export function selectRows(from: Rows, indices: Int32Array): Rows {
  if (isMatrix(from)) return takeRows(from, indices);
  return {
    rows: indices.length,
    columns: from.columns,
    read: (wanted) => from.read(wanted.map((i) => indices[i] as number)),
  };
}

/**
 * Copies vectors of one length into the rows of a matrix: [vectors.length, columns].
 *
 * @param columns by default the length of the first vector; required where `vectors` may be empty
 * @throws CommonspaceError EXTRACTOR_FAILED if a vector is missing or has another length
 */
export function gather(
  vectors: readonly (Float32Array | undefined)[],
  columns = vectors[0]?.length ?? 0,
): Matrix {
  const data = new Float32Array(vectors.length * columns);
  vectors.forEach((vector, row) => {
    if (vector?.length !== columns) {
      throw new CommonspaceError(
        'EXTRACTOR_FAILED',
        `The vectors differ in length: vector ${row} has ${vector?.length ?? 'no'} numbers where ${columns} are expected.`,
      );
    }
    data.set(vector, row * columns);
  });
  return { data, rows: vectors.length, columns };
}
