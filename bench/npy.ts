import { readFileSync } from 'node:fs';
import type { Matrix } from '../src/encoder/math/matrix.js';

/** Reads a two-dimensional little-endian float32 array in the NumPy format 1.0. */
export function readNpy(path: string): Matrix {
  const bytes = readFileSync(path);
  if (bytes.subarray(0, 6).toString('latin1') !== '\u0093NUMPY')
    throw new Error(`${path} is not a .npy file`);
  const headerLength = bytes.readUInt16LE(8);
  const header = bytes.subarray(10, 10 + headerLength).toString('latin1');
  const shape = /'shape': \((\d+), (\d+)\)/.exec(header);
  if (!header.includes("'<f4'") || header.includes('True') || !shape)
    throw new Error(`${path}: expected rows of float32, got ${header}`);
  const [rows, columns] = [Number(shape[1]), Number(shape[2])];
  const body = bytes.subarray(10 + headerLength);
  const data = new Float32Array(body.buffer.slice(body.byteOffset, body.byteOffset + rows * columns * 4));
  return { data, rows, columns };
}
