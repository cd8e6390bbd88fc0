/** Checkpoints on disk: a file is there whole or not at all, whatever ends the process that writes it. */
import { randomUUID } from 'node:crypto';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { CommonspaceError } from '../../domain/errors.js';
import { decodeCheckpoint } from './checkpoint.js';

/**
 * Writes to a temporary file in the same folder, flushes it to the disk, and renames it over the one before. The folder must
 * be there. An error leaves the file before as it was, and no temporary file.
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
 * A checkpoint's bytes, known to be whole; null where there is no such file.
 *
 * Throws BAD_MODEL, naming the file and what is wrong with it, if it is cut, altered, or something else.
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

/** The rename itself reaches the disk with the folder. Not every system lets a folder be opened: then it comes later. */
async function syncFolder(folder: string): Promise<void> {
  try {
    const handle = await open(folder, 'r');
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch {
    // The file is in its place all the same.
  }
}
