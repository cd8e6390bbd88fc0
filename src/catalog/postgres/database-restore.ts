import { mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import pLimit from 'p-limit';
import { connect } from './connect.js';
import { type FolderLock, lockFolder } from './folder-lock.js';
import { databaseFolders, replaceDatabase } from './restored-folder.js';

/** Files that are synced at a time. One after another, each waits for the disk. */
const SYNCED_AT_ONCE = 32;
/** Megabytes of shared buffers for the check that the database starts: with more it takes twice the time. */
const CHECK_BUFFERS = 32;

/** Restores the embedded database of a data folder from files. The former one stays until the new one is whole and starts. */
export class DatabaseRestore {
  private constructor(
    private readonly dataDir: string,
    private readonly lock: FolderLock,
  ) {}

  /** @throws CommonspaceError DATA_FOLDER_LOCKED while another process uses the folder; DATA_FOLDER_NOT_WRITABLE */
  static async begin(dataDir: string): Promise<DatabaseRestore> {
    const folder = resolve(dataDir);
    const restore = new DatabaseRestore(folder, await lockFolder(folder));
    const { restoring, restored } = databaseFolders(folder);
    // What a restore that was interrupted has left.
    await rm(restoring, { recursive: true, force: true });
    await rm(restored, { recursive: true, force: true });
    await mkdir(restore.folder, { recursive: true, mode: 0o700 });
    return restore;
  }

  /** Where the files of the database go. */
  get folder(): string {
    return join(databaseFolders(this.dataDir).restoring, 'postgres');
  }

  /**
   * Starts the restored database and migrates it, then puts it in the place of the former one.
   *
   * @returns the folder of the former one; null if there was none
   * @throws CommonspaceError DATABASE_UNREACHABLE if it does not start; MIGRATION_FAILED if it is of a newer version
   */
  async finish(): Promise<string | null> {
    const { restoring, restored } = databaseFolders(this.dataDir);
    await (await connect({ dataDir: restoring, useTemplate: false, sharedBuffers: CHECK_BUFFERS })).close();
    await syncFiles(this.folder);
    await rename(this.folder, restored);
    return await replaceDatabase(this.dataDir);
  }

  /** Call it in any case. */
  async end(): Promise<void> {
    await rm(databaseFolders(this.dataDir).restoring, { recursive: true, force: true });
    await this.lock.release();
  }
}

/** Makes files durable, before they take the place of others. */
async function syncFiles(folder: string): Promise<void> {
  const limit = pLimit(SYNCED_AT_ONCE);
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  await Promise.all(
    entries.filter((entry) => entry.isFile()).map((entry) => limit(sync, join(entry.parentPath, entry.name))),
  );
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
