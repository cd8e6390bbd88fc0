/** Lists what the media folder holds. */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ListedObject } from './object-store.js';

/** Two hex digits. */
const SHARD = /^[0-9a-f]{2}$/;

/**
 * The files two levels of shards below a folder, by ascending name. Files that are removed meanwhile are left out. For a
 * folder that does not exist, nothing is listed.
 *
 * @param folder below `directory`; it ends with a slash, or is empty
 */
export async function* shardedFiles(directory: string, folder: string): AsyncGenerator<ListedObject> {
  const root = join(directory, folder);
  for (const first of await namesIn(root)) {
    if (!SHARD.test(first)) continue;
    for (const second of await namesIn(join(root, first))) {
      if (!SHARD.test(second)) continue;
      for (const name of await namesIn(join(root, first, second))) {
        const found = await stat(join(root, first, second, name)).catch(() => null);
        const key = `${folder}${first}/${second}/${name}`;
        if (found?.isFile()) yield { key, name, changedAt: found.mtimeMs };
      }
    }
  }
}

/** Sorted; empty if it is no folder. A folder of pictures has few names: there are 65,536. */
async function namesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return [];
    throw error;
  });
  return names.sort();
}
