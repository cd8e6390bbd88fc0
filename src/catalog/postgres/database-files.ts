import { constants } from 'node:fs';
import { copyFile, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { diskFailure } from '../../platform/disk-failure.js';
import type { Database } from './database.js';
import { databaseFolders } from './restored-folder.js';

/** A copy of the files of the embedded database. */
export interface DatabaseCopy {
  readonly folder: string;
  /** Folders, each before what is in it, and files, by path within the folder, with `/`. */
  readonly entries: readonly CopiedEntry[];
  /** Removes the copy. */
  remove(): Promise<void>;
}

type CopiedEntry =
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'file'; readonly path: string; readonly bytes: number };

/** Files of the embedded database. */
export class DatabaseFiles {
  constructor(
    private readonly db: Database,
    private readonly dataDir: string,
  ) {}

  /**
   * Copies the files after a checkpoint, beside them in the data folder. Meanwhile no other statement runs, so they are those of one state; the database
   * writes nothing between statements.
   *
   * @throws CommonspaceError DISK_FULL
   */
  async copy(): Promise<DatabaseCopy> {
    const folder = join(resolve(this.dataDir), '.backup');
    const remove = () => rm(folder, { recursive: true, force: true });
    // A process that was killed may have left one.
    await remove();
    try {
      const entries = await this.db.session(async (on) => {
        await on.runOnce('CHECKPOINT');
        return await copyFolder(databaseFolders(resolve(this.dataDir)).database, folder);
      });
      return { folder, entries, remove };
    } catch (error) {
      await remove();
      throw diskFailure(folder, error);
    }
  }
}

async function copyFolder(from: string, to: string, within = ''): Promise<CopiedEntry[]> {
  await mkdir(to, { recursive: true, mode: 0o700 });
  const found: CopiedEntry[] = [];
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const path = `${within}${entry.name}`;
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) {
      found.push({ kind: 'folder', path });
      for (const inner of await copyFolder(source, target, `${path}/`)) found.push(inner);
    } else if (entry.isFile()) {
      // Without copying, where the file system can.
      await copyFile(source, target, constants.COPYFILE_FICLONE);
      found.push({ kind: 'file', path, bytes: (await stat(target)).size });
    }
  }
  return found;
}
