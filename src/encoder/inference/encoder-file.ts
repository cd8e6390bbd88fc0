/**
 * A file format for named float32 arrays, used for encoders and checkpoints: eight magic bytes, the length of the header, a
 * JSON header, the numbers. docs/decisions/0005-encoder.md describes the layout.
 */
import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { CommonspaceError } from '../../domain/errors.js';

const ENCODER_FILE_VERSION = 1;
const MAGIC = Buffer.from('CSBUNDLE', 'latin1');
const BIG_ENDIAN = endianness() === 'BE';
const MAX_HEADER = 16 * 2 ** 20;

export interface EncoderFile {
  /** `encoder` or `checkpoint`. */
  readonly kind: string;
  /** A JSON value that describes the arrays; each kind has its own. */
  readonly description: unknown;
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

interface Header {
  readonly version: number;
  readonly kind: string;
  readonly description: unknown;
  readonly arrays: readonly (readonly [name: string, length: number])[];
  /** Hexadecimal checksum of the numbers. */
  readonly sha256: string;
}

/** The bytes of a file. The same content gives the same bytes on every machine. */
export function writeEncoderFile({ kind, description, arrays }: EncoderFile): Uint8Array {
  const values = [...arrays.values()].map((array) => littleEndian(array));
  const numbers = Buffer.concat(values);
  const header: Header = {
    version: ENCODER_FILE_VERSION,
    kind,
    description,
    arrays: [...arrays].map(([name, array]) => [name, array.length]),
    sha256: createHash('sha256').update(numbers).digest('hex'),
  };
  const text = Buffer.from(JSON.stringify(header), 'utf8');
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return new Uint8Array(Buffer.concat([MAGIC, length, text, numbers]));
}

/**
 * Reads a file of this kind and verifies its checksum.
 *
 * @throws CommonspaceError BAD_MODEL, with the reason, if the bytes are not a complete file of this kind
 */
export function readEncoderFile(bytes: Uint8Array, kind: string): EncoderFile {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (buffer.length < 12 || !buffer.subarray(0, 8).equals(MAGIC)) {
    throw bad(`these ${buffer.length} bytes are not a stored ${kind}`);
  }
  const headerLength = buffer.readUInt32LE(8);
  if (headerLength > MAX_HEADER || 12 + headerLength > buffer.length) throw bad('its header is truncated');
  const header = parseHeader(buffer.subarray(12, 12 + headerLength));
  if (header.version !== ENCODER_FILE_VERSION) {
    throw bad(
      `its format version is ${header.version}, and this program reads version ${ENCODER_FILE_VERSION}`,
    );
  }
  if (header.kind !== kind) throw bad(`it holds a ${header.kind}, not a ${kind}`);
  const numbers = buffer.subarray(12 + headerLength);
  const expected = header.arrays.reduce((sum, [, length]) => sum + length * 4, 0);
  if (numbers.length !== expected)
    throw bad(`it has ${numbers.length} bytes of numbers where ${expected} are expected`);
  if (createHash('sha256').update(numbers).digest('hex') !== header.sha256)
    throw bad('its checksum does not match');

  const arrays = new Map<string, Float32Array>();
  let start = 0;
  for (const [name, length] of header.arrays) {
    arrays.set(name, fromLittleEndian(numbers.subarray(start, start + length * 4)));
    start += length * 4;
  }
  return { kind, description: header.description, arrays };
}

function parseHeader(text: Buffer): Header {
  let header: unknown;
  try {
    header = JSON.parse(text.toString('utf8'));
  } catch (cause) {
    throw new CommonspaceError('BAD_MODEL', 'a stored model cannot be used: its header is not JSON', [], {
      cause,
    });
  }
  if (!isHeader(header)) throw bad('its header lacks a field, or a field has the wrong type');
  return header;
}

function isHeader(value: unknown): value is Header {
  if (typeof value !== 'object' || value === null) return false;
  const header = value as Partial<Record<keyof Header, unknown>>;
  return (
    typeof header.version === 'number' &&
    typeof header.kind === 'string' &&
    typeof header.sha256 === 'string' &&
    Array.isArray(header.arrays) &&
    header.arrays.every(
      (entry) =>
        Array.isArray(entry) &&
        typeof entry[0] === 'string' &&
        Number.isSafeInteger(entry[1]) &&
        entry[1] >= 0,
    )
  );
}

function littleEndian(array: Float32Array): Buffer {
  const copy = Buffer.from(array.slice().buffer);
  return BIG_ENDIAN ? copy.swap32() : copy;
}

/** A copy, because the numbers of a file need not begin at a multiple of four bytes. */
function fromLittleEndian(bytes: Buffer): Float32Array {
  const { buffer } = new Uint8Array(bytes);
  if (BIG_ENDIAN) Buffer.from(buffer).swap32();
  return new Float32Array(buffer);
}

function bad(what: string): CommonspaceError {
  return new CommonspaceError('BAD_MODEL', `a stored model cannot be used: ${what}`);
}
