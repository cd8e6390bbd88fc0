import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import { CommonspaceError, throwIfCancelled } from '../domain/errors.js';
import { diskFailure } from '../platform/disk-failure.js';
import type { ObjectStore } from './object-store.js';

/** A file is stored as objects of this size; a shorter one, which can be empty, ends it. */
const PART_BYTES = 16 * 2 ** 20;
const FOLDER = 'sources/';

/** Large files, such as sources of jobs, for all servers and workers: each has them in a folder of its own, and copies those that it lacks. */
export interface SharedFiles {
  /**
   * Stores a file for the others.
   *
   * @param id a UUID or a hash, in lower case
   * @throws CommonspaceError MEDIA_UNREACHABLE, CANCELLED
   */
  put(id: string, path: string, signal?: AbortSignal): Promise<void>;
  /**
   * Copies a stored file to a path, which has all of it or is not there.
   *
   * @returns whether it was stored
   * @throws CommonspaceError DISK_FULL, MEDIA_UNREACHABLE, CANCELLED
   */
  get(id: string, path: string, signal?: AbortSignal): Promise<boolean>;
  /** Whether a file is stored, as far as its beginning says. @throws CommonspaceError MEDIA_UNREACHABLE */
  has(id: string): Promise<boolean>;
  /** Removes files that were stored before a time (milliseconds since 1970), except those in use. @returns how many */
  sweep(before: number, inUse: ReadonlySet<string>): Promise<number>;
}

/** Files in object storage. */
export function sharedFilesIn(objects: ObjectStore, partBytes: number = PART_BYTES): SharedFiles {
  return {
    async put(id, path, signal) {
      const file = await open(path);
      try {
        const buffer = Buffer.allocUnsafe(partBytes);
        for (let part = 0; ; part += 1) {
          throwIfCancelled(signal);
          const bytes = buffer.subarray(0, await fill(file, buffer));
          await objects.write(keyOf(id, part), bytes, true);
          if (bytes.length < partBytes) return;
        }
      } finally {
        await file.close();
      }
    },
    async get(id, path, signal) {
      const partial = `${path}.${randomUUID()}.part`;
      const file = await open(partial, 'w');
      try {
        for (let part = 0; ; part += 1) {
          const bytes = await objects.read(keyOf(id, part), signal);
          if (bytes === null) return false;
          await file.writeFile(bytes).catch((error) => {
            throw diskFailure(path, error);
          });
          if (bytes.length < partBytes) break;
        }
        await rename(partial, path);
        return true;
      } finally {
        await file.close();
        await rm(partial, { force: true });
      }
    },
    has: async (id) => (await objects.size(keyOf(id, 0))) !== null,
    async sweep(before, inUse) {
      const removed = new Set<string>();
      for await (const { key, name, changedAt } of objects.list(FOLDER)) {
        const id = name.replace(/\.\d+$/, '');
        if (changedAt >= before || inUse.has(id)) continue;
        await objects.remove([key]);
        removed.add(id);
      }
      return removed.size;
    },
  };
}

interface ReadableFile {
  read(buffer: Buffer, offset: number, length: number): Promise<{ readonly bytesRead: number }>;
}

/** Reads until the buffer is full or the file ends. @returns the number of bytes */
async function fill(file: ReadableFile, buffer: Buffer): Promise<number> {
  let filled = 0;
  while (filled < buffer.length) {
    const { bytesRead } = await file.read(buffer, filled, buffer.length - filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

function keyOf(id: string, part: number): string {
  if (!/^[0-9a-f-]{32,64}$/.test(id)) throw new CommonspaceError('UPLOAD_NOT_FOUND', 'No file has this id.');
  return `${FOLDER}${id.slice(0, 2)}/${id.slice(2, 4)}/${id}.${String(part).padStart(5, '0')}`;
}
