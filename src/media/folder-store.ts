import { access, constants, open, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createAtomicFiles } from './files.js';
import type { ObjectStore } from './object-store.js';
import { shardedFiles } from './stored-files.js';

/**
 * Objects as files of a folder. Creates the folder if necessary, and removes temporary files that a crash left in `tmp/`.
 *
 * @throws CommonspaceError DATA_FOLDER_NOT_WRITABLE
 */
export async function createFolderStore(directory: string): Promise<ObjectStore> {
  const files = await createAtomicFiles(join(directory, 'tmp'));
  const pathOf = (key: string) => join(directory, ...key.split('/'));
  return {
    place: directory,
    pathOf,
    size: (key) => unlessMissing(stat(pathOf(key)).then(({ size }) => size)),
    async open(key) {
      // Opened first: a file that is removed meanwhile can be read to its end.
      const file = await unlessMissing(open(pathOf(key)));
      if (file === null) return null;
      const { size } = await file.stat();
      return { bytes: size, stream: file.createReadStream() };
    },
    read: (key) => unlessMissing(readFile(pathOf(key))),
    write: (key, bytes, durable) => files.write(pathOf(key), bytes, durable),
    remove: async (keys) => {
      await Promise.all(keys.map((key) => rm(pathOf(key), { force: true })));
    },
    hold: (key) => files.hold(pathOf(key)),
    list: (folder) => shardedFiles(directory, folder),
    removeLeftovers: () => files.removeLeftovers(),
    problem: () =>
      access(directory, constants.W_OK).then(
        () => null,
        (error: NodeJS.ErrnoException) => `it cannot be written to (${error.code})`,
      ),
  };
}

/** Null if the file does not exist. */
async function unlessMissing<T>(found: Promise<T>): Promise<T | null> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
