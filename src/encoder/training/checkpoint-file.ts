/** Checkpoints on disk. A file is written completely or not at all, even if the process is killed. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommonspaceError } from '../../domain/errors.js';
import { decodeCheckpoint } from './checkpoint.js';

/**
 * Writes to a temporary file in the same folder, flushes it to disk, and renames it to `file`. The folder must exist. After an
 * error the previous file is unchanged and no temporary file is left.
 */
export async function writeCheckpoint(file: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  try {
    const handle = await open(temporary, 'wx');
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(file));
}

/**
 * The bytes of a valid checkpoint; null if the file does not exist.
 *
 * @throws CommonspaceError BAD_MODEL, with the path and the reason, if the file is not a complete checkpoint
 */
export async function readCheckpoint(file: string): Promise<Uint8Array | null> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    decodeCheckpoint(bytes);
  } catch (cause) {
    if (!(cause instanceof CommonspaceError)) throw cause;
    throw new CommonspaceError(cause.code, `${file}: ${cause.message}`, cause.field, { cause });
  }
  return bytes;
}

/** Flushes the rename to disk. Systems that cannot open a folder flush it later. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The rename is done in any case; only its flush is delayed.
  }
}
