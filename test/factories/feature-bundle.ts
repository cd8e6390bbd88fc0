import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { syntheticSource } from '../unit/encoder-source.js';

export interface NpyOptions {
  /** In NumPy's notation. */
  readonly descr?: string;
  readonly fortran?: boolean;
  readonly version?: 1 | 2 | 3;
}

/** The bytes of a .npy file with these numbers, in the order of the file. */
export function npy(
  shape: readonly number[],
  numbers: ArrayLike<number>,
  { descr = '<f4', fortran = false, version = 1 }: NpyOptions = {},
): Buffer {
  const [, mark, kind, bytes] = /^([<>|])([fiu])(\d)$/.exec(descr) ?? [];
  const size = Number(bytes);
  const little = mark !== '>';
  const body = new DataView(new ArrayBuffer(numbers.length * size));
  const write: Record<string, (at: number, x: number) => void> = {
    f2: (at, x) => body.setUint16(at, halfBits(x), little),
    f4: (at, x) => body.setFloat32(at, x, little),
    f8: (at, x) => body.setFloat64(at, x, little),
    i1: (at, x) => body.setInt8(at, x),
    i2: (at, x) => body.setInt16(at, x, little),
    i4: (at, x) => body.setInt32(at, x, little),
    i8: (at, x) => body.setBigInt64(at, BigInt(x), little),
    u1: (at, x) => body.setUint8(at, x),
    u2: (at, x) => body.setUint16(at, x, little),
    u4: (at, x) => body.setUint32(at, x, little),
    u8: (at, x) => body.setBigUint64(at, BigInt(x), little),
  };
  Array.from(numbers).forEach((x, i) => {
    write[`${kind}${bytes}`]?.(i * size, x);
  });
  const tuple = shape.length === 1 ? `${shape[0]},` : shape.join(', ');
  const header = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${tuple}), }`;
  return withHeader(header, Buffer.from(body.buffer), version);
}

/** A file with any header. */
export function withHeader(header: string, body: Buffer, version: 1 | 2 | 3 = 1): Buffer {
  const start = version === 1 ? 10 : 12;
  const padded = `${header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1)}\n`;
  const head = Buffer.alloc(start);
  head.write('\u0093NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(padded.length, 8);
  else head.writeUInt32LE(padded.length, 8);
  return Buffer.concat([head, Buffer.from(padded, version === 3 ? 'utf8' : 'latin1'), body]);
}

/** Binary16 of values that it holds exactly: halves and integers, infinity, NaN. */
function halfBits(x: number): number {
  if (Number.isNaN(x)) return 0x7e00;
  const sign = x < 0 ? 0x8000 : 0;
  const a = Math.abs(x);
  if (a === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (a < 2 ** -14) return sign | (a * 2 ** 24);
  const exponent = Math.floor(Math.log2(a));
  return sign | ((exponent + 15) << 10) | ((a / 2 ** exponent - 1) * 1024);
}

/** The files of a small bundle that an encoder can learn: 6 classes, 40 + 24 columns. Tests write them with changes. */
export function bundleFiles(train = 96, test = 60, classes = 6): Record<string, Buffer | string> {
  const all = syntheticSource(train + test, classes, 5);
  const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);
  const part = (name: string, from: number, to: number) => {
    const [image, text] = [takeRows(all.image, rows(from, to)), takeRows(all.text, rows(from, to))];
    return {
      [`img_${name}.npy`]: npy([image.rows, image.columns], image.data),
      [`txt_${name}.npy`]: npy([text.rows, text.columns], text.data),
      [`label_${name}.npy`]: npy([to - from], all.labels.slice(from, to), { descr: '<i4' }),
    };
  };
  return {
    ...part('train', 0, train),
    ...part('test', train, train + test),
    'classes.json': JSON.stringify(['ant', 'bee', 'cat', 'dog', 'eel', 'fox'].slice(0, classes)),
  };
}

/** Writes the files into a new folder; a null file is left out. */
export async function writeBundle(
  folder: string,
  files: Readonly<Record<string, Buffer | string | null>>,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    if (content !== null) await writeFile(join(folder, name), content);
  }
  return folder;
}
