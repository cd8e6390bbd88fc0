import type { Matrix } from '../../../encoder/math/matrix.js';
import { badBundle } from './bad-bundle.js';
import { type NpyFile, parseNpy, shown } from './npy.js';

/**
 * Rows of features, as float32.
 *
 * @throws CommonspaceError BAD_BUNDLE naming the row and column of the first number that is not finite
 */
export function readFeatures(name: string, bytes: Buffer): Matrix {
  const file = parseNpy(name, bytes);
  const [rows, columns] = file.shape;
  if (file.shape.length !== 2 || rows === undefined || columns === undefined) {
    throw badBundle(
      name,
      `its shape is ${shown(file.shape)}, and features have two dimensions: (rows, columns)`,
    );
  }
  if (columns === 0) throw badBundle(name, 'its rows have no columns');
  const data = numbersOf(file, rows, columns);
  const at = data.findIndex((x) => !Number.isFinite(x));
  if (at >= 0) {
    const row = Math.floor(at / columns);
    const column = at % columns;
    throw badBundle(
      name,
      `column ${column} is ${asStored(file, row, column)}, which is not a finite float32`,
      row,
    );
  }
  return { data, rows, columns };
}

/**
 * One label per row.
 *
 * @throws CommonspaceError BAD_BUNDLE naming the first row whose label is not a 32-bit integer
 */
export function readLabels(name: string, bytes: Buffer): Int32Array {
  const file = parseNpy(name, bytes);
  if (file.shape.length !== 1) {
    throw badBundle(name, `its shape is ${shown(file.shape)}, and labels have one dimension: (rows,)`);
  }
  return Int32Array.from({ length: file.count }, (_, row) => {
    const label = file.at(row);
    if ((label | 0) !== label) throw badBundle(name, `the label is ${label}, and labels are integers`, row);
    return label;
  });
}

/** Whether the host is little-endian, as nearly every file is. */
const HOST_IS_LITTLE = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

function numbersOf(file: NpyFile, rows: number, columns: number): Float32Array {
  const { body, count } = file;
  if (file.kind === 'f' && file.size === 4 && file.littleEndian === HOST_IS_LITTLE && !file.fortran) {
    // A copy, because the offset of a view must be a multiple of 4.
    return new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + count * 4));
  }
  const data = new Float32Array(count);
  if (file.fortran) {
    for (let i = 0; i < rows; i += 1) {
      for (let j = 0; j < columns; j += 1) data[i * columns + j] = file.at(j * rows + i);
    }
  } else {
    for (let i = 0; i < count; i += 1) data[i] = file.at(i);
  }
  return data;
}

function asStored(file: NpyFile, row: number, column: number): number {
  const [rows = 0, columns = 0] = file.shape;
  return file.at(file.fortran ? column * rows + row : row * columns + column);
}
