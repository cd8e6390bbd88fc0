/**
 * Files of float32 rows, for training sets that are larger than memory. A header of 64 bytes, then the rows, row-major and
 * little-endian. The header is written last, so an incomplete file is recognised.
 *
 *   0  8  `CSROWS1\n`
 *   8  4  rows, uint32
 *  12  4  columns, uint32
 *  16 16  zeros
 *  32 32  SHA-256 of the rows
 */
import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { CommonspaceError } from '../domain/errors.js';
import type { Matrix, RowFileRef, StoredRows } from '../domain/matrix.js';
import { allFinite } from '../domain/vectors.js';

export const HEADER_BYTES = 64;
const MAGIC = Buffer.from('CSROWS1\n', 'latin1');
const BLOCK_BYTES = 4 * 2 ** 20;

/** The header of a complete file. */
export function rowFileHeader(rows: number, columns: number, digest: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  MAGIC.copy(header);
  header.writeUInt32LE(rows, 8);
  header.writeUInt32LE(columns, 12);
  digest.copy(header, 32);
  return header;
}

/** An open file of rows. Reads block the calling thread: it is for worker threads. */
export class RowFile implements StoredRows, RowFileRef {
  constructor(
    readonly file: string,
    private readonly descriptor: number,
    readonly rows: number,
    readonly columns: number,
    /** Hexadecimal SHA-256 of the rows, as the header has it. */
    readonly digest: string,
  ) {}

  /** Successive indices are read together. @throws CommonspaceError BAD_ROWS if the file ends too early */
  read(indices: Int32Array): Matrix {
    const { columns } = this;
    const data = new Float32Array(indices.length * columns);
    for (let from = 0; from < indices.length; ) {
      const first = indices[from] as number;
      let to = from + 1;
      while (to < indices.length && indices[to] === first + to - from) to += 1;
      this.readInto(data.subarray(from * columns, to * columns), first);
      from = to;
    }
    return { data, rows: indices.length, columns };
  }

  /**
   * Reads the whole file and checks it.
   *
   * @param name of the rows in the message
   * @throws CommonspaceError BAD_ROWS if the rows are not those that were written; BAD_INPUT, naming the row, if a number is
   *   not finite
   */
  verify(name: string): void {
    const sum = createHash('sha256');
    const rowsAtOnce = Math.max(1, Math.floor(BLOCK_BYTES / (4 * this.columns)));
    const block = new Float32Array(rowsAtOnce * this.columns);
    for (let start = 0; start < this.rows; start += rowsAtOnce) {
      const rows = Math.min(rowsAtOnce, this.rows - start);
      const numbers = block.subarray(0, rows * this.columns);
      this.readInto(numbers, start);
      sum.update(bytesOf(numbers));
      if (allFinite(numbers)) continue;
      const row = start + Math.floor(numbers.findIndex((x) => !Number.isFinite(x)) / this.columns);
      throw new CommonspaceError('BAD_INPUT', `row ${row} of ${name} has a number that is not finite`);
    }
    if (sum.digest('hex') !== this.digest) throw badRows(this.file, 'its rows differ from its checksum');
  }

  close(): void {
    closeSync(this.descriptor);
  }

  private readInto(numbers: Float32Array, firstRow: number): void {
    const bytes = bytesOf(numbers);
    const start = HEADER_BYTES + firstRow * this.columns * 4;
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.descriptor, bytes, done, bytes.length - done, start + done);
      if (count === 0) throw badRows(this.file, 'it ends too early');
      done += count;
    }
  }
}

/** Opens a complete file. The caller closes it. @throws CommonspaceError BAD_ROWS */
export function openRowFile(file: string): RowFile {
  const descriptor = openSync(file, 'r');
  try {
    const header = Buffer.alloc(HEADER_BYTES);
    const whole = readSync(descriptor, header, 0, HEADER_BYTES, 0) === HEADER_BYTES;
    if (!whole || !header.subarray(0, MAGIC.length).equals(MAGIC)) throw badRows(file, 'it has no header');
    const [rows, columns] = [header.readUInt32LE(8), header.readUInt32LE(12)];
    const { size } = fstatSync(descriptor);
    const expected = HEADER_BYTES + rows * columns * 4;
    if (size !== expected) throw badRows(file, `it has ${size} bytes where ${expected} are expected`);
    return new RowFile(file, descriptor, rows, columns, header.subarray(32).toString('hex'));
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** The bytes of the numbers, in the same memory. */
export function bytesOf(numbers: Float32Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

function badRows(file: string, why: string): CommonspaceError {
  return new CommonspaceError('BAD_ROWS', `The file of training rows ${file} cannot be used: ${why}.`);
}
