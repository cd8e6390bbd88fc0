import { existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';

/** The folders of a data folder with an embedded database. */
export function databaseFolders(dataDir: string) {
  return {
    database: join(dataDir, 'postgres'),
    /** Exists while a new database is incomplete. */
    unfinished: join(dataDir, 'postgres.unfinished'),
    /** A data folder of its own, in which a restore puts the database that it checks. */
    restoring: join(dataDir, 'restoring'),
    /** A restored database that is whole, until it takes the place of the former one. */
    restored: join(dataDir, 'postgres.restored'),
    /** The database before the latest restore. */
    replaced: join(dataDir, 'postgres.replaced'),
  };
}

/**
 * Puts the restored database in the place of the former one, which is kept under another name. A process that ends between the two steps leaves no
 * database in place; the next start then does the second step.
 *
 * @returns the folder of the former one; null if there was none
 */
export async function replaceDatabase(dataDir: string): Promise<string | null> {
  const { database, replaced, unfinished } = databaseFolders(dataDir);
  const existed = existsSync(database);
  if (existed) {
    await rm(replaced, { recursive: true, force: true });
    await rename(database, replaced);
  }
  // It would let the next start remove the restored database.
  await rm(unfinished, { force: true });
  await finishRestore(dataDir);
  return existed ? replaced : null;
}

/** Completes a restore that was interrupted after the former database was moved away. */
export async function finishRestore(dataDir: string): Promise<void> {
  const { database, restored } = databaseFolders(dataDir);
  if (!existsSync(database) && existsSync(restored)) await rename(restored, database);
}
