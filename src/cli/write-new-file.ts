import { link, open, rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';
import { diskFailure } from '../platform/disk-failure.js';

/**
 * Writes a file that does not exist yet. It has its name only once it is whole.
 *
 * @param content called if the file can be made
 * @returns its bytes
 * @throws CommonspaceError BAD_INPUT if the file exists or cannot be made; DISK_FULL
 */
export async function writeNewFile(
  file: string,
  content: () => Promise<AsyncIterable<Uint8Array>>,
): Promise<number> {
  const path = resolve(file);
  const part = `${path}.part`;
  await requireAbsent(path);
  const handle = await open(part, 'w').catch((error: NodeJS.ErrnoException) => {
    throw new CommonspaceError('BAD_INPUT', `${file} cannot be written (${error.code}).`, ['file'], {
      cause: error,
    });
  });
  try {
    let bytes = 0;
    try {
      for await (const chunk of await content()) {
        await handle.writeFile(chunk);
        bytes += chunk.length;
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await link(part, path);
    return bytes;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? exists(file, error) : diskFailure(file, error);
  } finally {
    await rm(part, { force: true });
  }
}

async function requireAbsent(path: string): Promise<void> {
  const found = await open(path, 'r').catch(() => null);
  await found?.close();
  if (found !== null) throw exists(path);
}

function exists(path: string, cause?: unknown): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', `${path} exists. Name another file, or remove it.`, ['file'], {
    cause,
  });
}
