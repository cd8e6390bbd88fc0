/**
 * NumPy's format for one array: magic, version, the length of the header, a header that is a Python dictionary, the numbers.
 * Versions 1 to 3 differ in the width of that length and in the header's encoding.
 * https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
 */
import { badBundle } from './bad-bundle.js';

interface NpyHeader {
  /** f: floating point, i: signed, u: unsigned. */
  readonly kind: 'f' | 'i' | 'u';
  /** Bytes of one number. */
  readonly size: number;
  readonly littleEndian: boolean;
  /** Column by column instead of row by row. */
  readonly fortran: boolean;
  readonly shape: readonly number[];
}

/** An array whose numbers are read on demand. */
export interface NpyFile extends NpyHeader {
  readonly name: string;
  readonly count: number;
  /** The i-th number as it is stored; it may be NaN or infinite. */
  at(i: number): number;
  readonly body: Buffer;
}

const MAGIC = Buffer.from('\u0093NUMPY', 'latin1');
const SIZES: Readonly<Record<NpyHeader['kind'], readonly number[]>> = {
  f: [2, 4, 8],
  i: [1, 2, 4, 8],
  u: [1, 2, 4, 8],
};

/**
 * @param name of the file, for errors
 * @throws CommonspaceError BAD_BUNDLE unless the bytes are a complete array of numbers
 */
export function parseNpy(name: string, bytes: Buffer): NpyFile {
  if (bytes.length < 10 || !bytes.subarray(0, 6).equals(MAGIC))
    throw badBundle(name, 'it is not a .npy file');
  const version = bytes[6] as number;
  if (version < 1 || version > 3)
    throw badBundle(name, `its format version is ${version}, and 1 to 3 are known`);
  const start = version === 1 ? 10 : 12;
  if (bytes.length < start) throw badBundle(name, 'its header is incomplete');
  const length = version === 1 ? bytes.readUInt16LE(8) : bytes.readUInt32LE(8);
  if (start + length > bytes.length) throw badBundle(name, 'its header is incomplete');
  const text = bytes.subarray(start, start + length).toString(version === 3 ? 'utf8' : 'latin1');
  const header = parseHeader(name, text);
  const body = bytes.subarray(start + length);
  const count = header.shape.reduce((product, n) => product * n, 1);
  if (body.length !== count * header.size) {
    throw badBundle(
      name,
      `it has ${body.length} bytes of numbers, and ${shown(header.shape)} of ${header.size} bytes each are ${count * header.size}`,
    );
  }
  return { ...header, name, count, body, at: readerOf(header, body) };
}

function parseHeader(name: string, text: string): NpyHeader {
  const descr = /'descr'\s*:\s*(?:'([^']*)'|(\[))/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text)?.[1];
  const shape = /'shape'\s*:\s*\(([\d,\sL]*)\)/.exec(text)?.[1];
  if (!descr || order === undefined || shape === undefined)
    throw badBundle(name, 'its header cannot be read');
  const type = descr[1] ?? 'a structure';
  const [, mark, kind, bytes] = /^([<>=|])([fiu])(\d+)$/.exec(type) ?? [];
  const size = Number(bytes);
  if (!isKind(kind) || !SIZES[kind].includes(size)) {
    throw badBundle(name, `it holds ${type}, but numbers (float16 to 64, int8 to 64) are expected`);
  }
  return {
    kind,
    size,
    littleEndian: mark !== '>',
    fortran: order === 'True',
    shape: shape
      .split(',')
      .map((part) => part.trim().replace(/L$/, ''))
      .filter((part) => part !== '')
      .map(Number),
  };
}

function isKind(kind: string | undefined): kind is NpyHeader['kind'] {
  return kind === 'f' || kind === 'i' || kind === 'u';
}

function readerOf({ kind, size, littleEndian }: NpyHeader, body: Buffer): (i: number) => number {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const le = littleEndian;
  switch (`${kind}${size}`) {
    case 'f2':
      return (i) => half(view.getUint16(i * 2, le));
    case 'f4':
      return (i) => view.getFloat32(i * 4, le);
    case 'f8':
      return (i) => view.getFloat64(i * 8, le);
    case 'i1':
      return (i) => view.getInt8(i);
    case 'i2':
      return (i) => view.getInt16(i * 2, le);
    case 'i4':
      return (i) => view.getInt32(i * 4, le);
    case 'i8':
      return (i) => Number(view.getBigInt64(i * 8, le));
    case 'u1':
      return (i) => view.getUint8(i);
    case 'u2':
      return (i) => view.getUint16(i * 2, le);
    case 'u4':
      return (i) => view.getUint32(i * 4, le);
    default:
      return (i) => Number(view.getBigUint64(i * 8, le));
  }
}

/** IEEE 754 binary16. */
function half(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** A shape as NumPy writes it. */
export function shown(shape: readonly number[]): string {
  return shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
}
