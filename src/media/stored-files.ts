/** Lists what the media folder holds. */
import type { Dirent } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isSha256 } from '../domain/ids.js';

export interface StoredFile {
  /** Of the picture; of a thumbnail, the picture that it shows. */
  readonly sha256: string;
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}

/** Two hex digits. */
const SHARD = /^[0-9a-f]{2}$/;

/**
 * The files of a folder in which they are two levels of shards deep. Files with other names are left out, and so are files that are
 * removed meanwhile. For a folder that does not exist, nothing is listed.
 *
 * @param hashOf the hash that a file's name begins with; null for a name of another kind
 */
export async function* shardedFiles(
  directory: string,
  hashOf: (name: string) => string | null,
): AsyncGenerator<StoredFile> {
  for await (const first of entries(directory)) {
    if (!first.isDirectory() || !SHARD.test(first.name)) continue;
    for await (const second of entries(join(directory, first.name))) {
      if (!second.isDirectory() || !SHARD.test(second.name)) continue;
      const folder = join(directory, first.name, second.name);
      for await (const { name } of entries(folder)) {
        const sha256 = hashOf(name);
        if (sha256 === null || !isSha256(sha256)) continue;
        const path = join(folder, name);
        const found = await stat(path).catch(() => null);
        if (found !== null) yield { sha256, path, changedAt: found.mtimeMs };
      }
    }
  }
}

async function* entries(directory: string): AsyncGenerator<Dirent> {
  const opened = await opendir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (opened !== null) yield* opened;
}
