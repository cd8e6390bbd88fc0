import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseRestore } from '../../catalog/postgres/database-restore.js';
import { throwIfCancelled } from '../../domain/errors.js';
import { createMediaStore, type MediaOptions } from '../../media/media-store.js';
import { diskFailure } from '../../platform/disk-failure.js';
import { badArchive, contentOf, readTar, type TarEntry } from '../../platform/tar/tar-reader.js';
import { MAX_BYTES, pictureIn } from '../archive/archive-format.js';
import { PictureWrites } from '../archive/picture-writes.js';
import { BACKUP_HEADER, checkBackupHeader, databasePath } from './backup-format.js';

export interface RestoreOptions {
  /** Where the pictures go; the data folder where not given. */
  readonly s3?: MediaOptions['s3'];
  readonly signal?: AbortSignal | undefined;
  /** Members of the backup that were written, of all; called once it is checked. */
  readonly onProgress?: (done: number, all: number) => void;
}

export interface RestoreReport {
  /** Pictures that were not there. Others stay, and a sweep removes those that no item shows. */
  readonly pictures: number;
  /** The folder of the database before; null if there was none. */
  readonly replaced: string | null;
}

/**
 * Restores a backup into a data folder that no process uses. The file is read twice, and the first time nothing is written. The former database stays in
 * place until the new one is whole and has started.
 *
 * @throws CommonspaceError DATA_FOLDER_LOCKED, BAD_ARCHIVE, ARCHIVE_TOO_NEW, FILE_MISSING, DISK_FULL, DATABASE_UNREACHABLE, MIGRATION_FAILED, CANCELLED
 */
export async function restoreBackup(
  file: string,
  dataDir: string,
  { s3 = null, signal, onProgress }: RestoreOptions = {},
): Promise<RestoreReport> {
  let all = 0;
  for await (const _ of readBackup(file)) {
    throwIfCancelled(signal);
    all += 1;
  }
  const restore = await DatabaseRestore.begin(dataDir);
  try {
    const pictures = new PictureWrites(await createMediaStore({ directory: join(dataDir, 'media'), s3 }));
    let done = 0;
    for await (const entry of readBackup(file)) {
      throwIfCancelled(signal);
      const sha256 = pictureIn(entry.name);
      if (sha256 === null) await writeEntry(entry, restore.folder);
      else await pictures.add(sha256, await contentOf(entry, MAX_BYTES.picture));
      done += 1;
      onProgress?.(done, all);
    }
    await pictures.settled();
    return { pictures: pictures.stored, replaced: await restore.finish() };
  } finally {
    await restore.end();
  }
}

/** The members after the header. */
async function* readBackup(file: string): AsyncGenerator<TarEntry> {
  let begun = false;
  for await (const entry of readTar(file, pictureIn)) {
    if (!begun && entry.name !== BACKUP_HEADER)
      throw badArchive(`it does not begin with ${BACKUP_HEADER}`, entry.name);
    if (begun) {
      if (pictureIn(entry.name) === null) databasePath(entry.name);
      yield entry;
      continue;
    }
    checkBackupHeader(await contentOf(entry, MAX_BYTES.header));
    begun = true;
  }
}

async function writeEntry({ name, kind, content }: TarEntry, folder: string): Promise<void> {
  const path = join(folder, ...databasePath(name).split('/'));
  if (kind === 'folder') {
    await mkdir(path, { recursive: true, mode: 0o700 });
    return;
  }
  const file = await open(path, 'wx', 0o600);
  try {
    for await (const chunk of content) await file.writeFile(chunk);
  } catch (error) {
    throw diskFailure(path, error);
  } finally {
    await file.close();
  }
}
