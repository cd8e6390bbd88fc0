/** The bytes of a source file, and of which kind they are. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { pipeline, type Readable } from 'node:stream';
import { constants, createGunzip, gunzipSync } from 'node:zlib';
import { CommonspaceError } from '../../../domain/errors.js';

type SourceFormat = 'JSON_LINES' | 'CSV' | 'TAR' | 'PARQUET';

/** Bytes that decide on the format. A header of tar has 512 bytes. */
const HEAD_BYTES = 4096;
const TAR_MAGIC = { at: 257, text: 'ustar' };
const PARQUET_MAGIC = 'PAR1';

export interface SniffedSource {
  readonly format: SourceFormat;
  /** Whether the file is compressed by gzip. */
  readonly gzip: boolean;
  /** The bytes of the file that are the source; all of them by default. `end` is the last one. */
  readonly range?: { readonly start: number; readonly end: number };
}

/**
 * Finds the format of a file in its first bytes, whatever its name is.
 *
 * @throws CommonspaceError FILE_MISSING, BAD_SOURCE for another kind of file
 */
export async function sniffSource(path: string): Promise<SniffedSource> {
  const head = await readHead(path);
  const gzip = head[0] === 0x1f && head[1] === 0x8b;
  const format = formatOf(gzip ? inflatedHead(head) : head);
  if (gzip && format === 'PARQUET')
    throw badSource('A Parquet file compresses itself; send it without gzip.');
  return { format, gzip };
}

/** The decompressed bytes. */
export function sourceStream(path: string, { gzip, range }: SniffedSource): Readable {
  const file = createReadStream(path, { highWaterMark: 256 * 1024, ...range });
  // Errors reach the reader of the stream that is returned.
  return gzip ? pipeline(file, createGunzip(), () => {}) : file;
}

/** The error of a source that cannot be read on. */
export function badSource(message: string, cause?: unknown): CommonspaceError {
  return new CommonspaceError('BAD_SOURCE', message, [], cause === undefined ? {} : { cause });
}

/** What to throw if reading a source fails: its decoder's errors become BAD_SOURCE. */
export function readingFailed(error: unknown): unknown {
  if (error instanceof CommonspaceError) return error;
  const { message } = error as Error;
  return badSource(`The source cannot be read to its end: ${message}.`, error);
}

async function readHead(path: string): Promise<Buffer> {
  try {
    const file = await open(path);
    try {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await file.close();
    }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code})`;
    throw new CommonspaceError('FILE_MISSING', `The file ${why}.`, [], { cause: error });
  }
}

function inflatedHead(head: Buffer): Buffer {
  try {
    // The head ends within the compressed data.
    return gunzipSync(head, { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (error) {
    throw badSource('The file begins like gzip and cannot be decompressed.', error);
  }
}

function formatOf(head: Buffer): SourceFormat {
  if (head.subarray(0, 4).toString('latin1') === PARQUET_MAGIC) return 'PARQUET';
  if (head.subarray(TAR_MAGIC.at, TAR_MAGIC.at + 5).toString('latin1') === TAR_MAGIC.text) return 'TAR';
  if (head.length === 0) throw badSource('The file is empty.');
  if (head.includes(0)) throw badSource(`The file is none of ${FORMATS}.`);
  const first = head
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart()[0];
  if (first === '[') throw badSource('JSON Lines has one object per line, without a list around them.');
  return first === '{' ? 'JSON_LINES' : 'CSV';
}

const FORMATS = 'JSON Lines, CSV, tar and Parquet';
