import { CommonspaceError } from '../../domain/errors.js';
import { rowOf } from '../../domain/matrix.js';

/**
 * Postgres's binary format for vectors and ids in bulk and for query vectors; docs/measurements/vector-codec.md has the
 * figures. A Buffer as a parameter is sent as it is. The driver reads results as text only, so bulk reads select
 * `vector_send(…)`, a bytea. Where a statement returns few vectors, pgvector's parser reads them.
 */

const UUID_OID = 2950;

/** Floats in one statement or chunk: 2 MB. The embedded server copies a message again for every 64 KB that arrive. */
export const CHUNK_FLOATS = 512 * 1024;

/** pgvector's `vector`: int16 dimension, int16 zero, then the float32s, big-endian. */
export function encodeVector(vector: Float32Array): Buffer {
  const buffer = Buffer.allocUnsafe(vectorBytes(vector));
  writeVector(vector, buffer, 0);
  return buffer;
}

/** `vector[]`, given the type's oid in this database. */
export function encodeVectorArray(vectorOid: number, vectors: readonly Float32Array[]): Buffer {
  const bytes = vectors.reduce((sum, vector) => sum + 4 + vectorBytes(vector), 0);
  const buffer = arrayOf(vectorOid, vectors.length, bytes);
  let at = ARRAY_HEADER;
  for (const vector of vectors) {
    at = buffer.writeInt32BE(vectorBytes(vector), at);
    at = writeVector(vector, buffer, at);
  }
  return buffer;
}

/** `uuid[]`. */
export function encodeUuidArray(ids: readonly string[]): Buffer {
  const buffer = arrayOf(UUID_OID, ids.length, ids.length * 20);
  let at = ARRAY_HEADER;
  for (const id of ids) {
    at = buffer.writeInt32BE(16, at);
    if (buffer.write(id.replaceAll('-', ''), at, 16, 'hex') !== 16) throw new Error(`not a uuid: ${id}`);
    at += 16;
  }
  return buffer;
}

/** Homes (src/catalog/postgres/homes.ts) as `uuid[]`. Null ones are left out: where there are none, unnest gives NULL beside the other columns. */
export function encodeHomes(homes: readonly (string | null)[]): Buffer {
  return encodeUuidArray(homes.filter((home) => home !== null));
}

/** One vector from `vector_send`. */
export function decodeVector(bytes: Buffer): Float32Array {
  const vector = new Float32Array(bytes.readUInt16BE(0));
  readFloats(bytes, 4, vector);
  return vector;
}

/**
 * Several vectors of one dimension, as `string_agg(vector_send(vec), '')` joins them.
 *
 * @returns [rows, columns], row-major.
 */
export function decodeVectors(bytes: Buffer): { readonly columns: number; readonly data: Float32Array } {
  const columns = bytes.length === 0 ? 0 : bytes.readUInt16BE(0);
  const stride = 4 + 4 * columns;
  const rows = bytes.length / stride;
  if (!Number.isInteger(rows))
    throw new CommonspaceError('EXTRACTOR_FAILED', 'The stored vectors of an extractor differ in length.');
  const data = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row += 1) {
    readFloats(bytes, row * stride + 4, rowOf({ data, columns }, row));
  }
  return { columns, data };
}

const ARRAY_HEADER = 20;

function arrayOf(elementOid: number, length: number, bytes: number): Buffer {
  const buffer = Buffer.allocUnsafe(ARRAY_HEADER + bytes);
  buffer.writeInt32BE(1, 0); // dimensions
  buffer.writeInt32BE(0, 4); // no nulls
  buffer.writeUInt32BE(elementOid, 8);
  buffer.writeInt32BE(length, 12);
  buffer.writeInt32BE(1, 16); // lower bound
  return buffer;
}

function vectorBytes(vector: Float32Array): number {
  return 4 + 4 * vector.length;
}

function writeVector(vector: Float32Array, buffer: Buffer, start: number): number {
  const view = new DataView(buffer.buffer, buffer.byteOffset + start, vectorBytes(vector));
  view.setUint16(0, vector.length);
  view.setUint16(2, 0);
  for (let i = 0; i < vector.length; i += 1) view.setFloat32(4 + 4 * i, vector[i] as number);
  return start + view.byteLength;
}

function readFloats(bytes: Buffer, start: number, into: Float32Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset + start, 4 * into.length);
  for (let i = 0; i < into.length; i += 1) into[i] = view.getFloat32(4 * i);
}
