import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { extract } from 'tar-stream';
import { CommonspaceError } from '../../domain/errors.js';
import { summed } from './summed.js';
import { CHECKSUMS } from './tar-writer.js';

/** A member of an archive that is read. */
export interface TarEntry {
  readonly name: string;
  readonly kind: 'file' | 'folder';
  readonly bytes: number;
  /** Can be read once, until the next entry is asked for. */
  readonly content: AsyncIterable<Buffer>;
}

/** The list of checksums is held in memory. */
const MAX_CHECKSUM_BYTES = 64 * 2 ** 20;
const LINE = /^([0-9a-f]{64}) {2}(.+)$/;

/**
 * The members of a tar archive with checksums, as `tarOf` writes it. After the last one the archive is known to be whole and unchanged: each
 * member has the checksum of its name or of the list, no member is missing, and none is there twice.
 *
 * @param checksumIn the checksum in the name of a member; null for a member that the list has
 * @throws CommonspaceError BAD_ARCHIVE, FILE_MISSING
 */
export async function* readTar(
  path: string,
  checksumIn: (name: string) => string | null = () => null,
): AsyncGenerator<TarEntry> {
  const found = new Map<string, string>();
  let listed: Map<string, string> | null = null;
  for await (const entry of entriesOf(path)) {
    if (listed !== null) throw badArchive(`${entry.name} follows the list of checksums`, entry.name);
    if (entry.name === CHECKSUMS) {
      listed = checksums(await contentOf(entry, MAX_CHECKSUM_BYTES));
      continue;
    }
    if (entry.kind === 'folder') {
      yield entry;
      continue;
    }
    const sum = createHash('sha256');
    const content = summed(entry.content, sum);
    yield { ...entry, content };
    // What the reader has left.
    for await (const _ of content);
    const digest = sum.digest('hex');
    const own = checksumIn(entry.name);
    if (own !== null) {
      if (own !== digest) throw badArchive(`${entry.name} does not have its checksum`, entry.name);
      continue;
    }
    if (found.has(entry.name)) throw badArchive(`${entry.name} is there twice`, entry.name);
    found.set(entry.name, digest);
  }
  if (listed === null) throw badArchive('it ends before its list of checksums');
  compare(found, listed);
}

/** The content of an entry in memory. @throws CommonspaceError BAD_ARCHIVE if it is larger than the limit */
export async function contentOf({ name, bytes, content }: TarEntry, limit: number): Promise<Buffer> {
  if (bytes > limit) throw badArchive(`${name} has ${bytes} bytes, and may have ${limit}`, name);
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** @param member the one at fault */
export function badArchive(why: string, member?: string, cause?: unknown): CommonspaceError {
  const field = member === undefined ? ['file'] : ['file', member];
  return new CommonspaceError('BAD_ARCHIVE', `The archive cannot be used: ${why}.`, field, { cause });
}

async function* entriesOf(path: string): AsyncGenerator<TarEntry> {
  const file = createReadStream(path);
  const tar = extract();
  file.on('error', (error) => tar.destroy(error));
  file.pipe(tar);
  try {
    for await (const entry of tar) {
      const { name, type, size = 0 } = entry.header;
      if (type !== 'file' && type !== 'directory') throw badArchive(`${name} is a ${type}`, name);
      yield {
        name,
        kind: type === 'file' ? 'file' : 'folder',
        bytes: size,
        content: readable(path, entry as AsyncIterable<Buffer>),
      };
      entry.resume();
    }
  } catch (error) {
    throw readFailure(path, error);
  } finally {
    file.destroy();
    tar.destroy();
  }
}

/** The content of an entry, whose errors the consumer sees. */
async function* readable(path: string, entry: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield* entry;
  } catch (error) {
    throw readFailure(path, error);
  }
}

function readFailure(path: string, error: unknown): unknown {
  if (error instanceof CommonspaceError) return error;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOENT' || code === 'EISDIR' || code === 'EACCES')
    return new CommonspaceError('FILE_MISSING', `${path} cannot be read (${code}).`, ['file'], {
      cause: error,
    });
  // Errors of the file system have a code; those of the format do not.
  return code === undefined
    ? badArchive('it is not a tar archive, or was cut short', undefined, error)
    : error;
}

function checksums(text: Buffer): Map<string, string> {
  const lines = text.toString('utf8').split('\n');
  if (lines.pop() !== '') throw badArchive(`${CHECKSUMS} has no end of line`, CHECKSUMS);
  return new Map(
    lines.map((line) => {
      const [, sum, name] = LINE.exec(line) ?? [];
      if (sum === undefined || name === undefined) throw badArchive(`${CHECKSUMS} is malformed`, CHECKSUMS);
      return [name, sum];
    }),
  );
}

function compare(found: ReadonlyMap<string, string>, listed: ReadonlyMap<string, string>): void {
  for (const [name, sum] of listed) {
    const digest = found.get(name);
    if (digest === undefined) throw badArchive(`${name} is missing`, name);
    if (digest !== sum) throw badArchive(`${name} does not have its checksum`, name);
  }
  for (const name of found.keys()) if (!listed.has(name)) throw badArchive(`${name} has no checksum`, name);
}
