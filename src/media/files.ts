import { randomBytes } from 'node:crypto';
import { copyFile, link, mkdir, open, readdir, rename, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { CommonspaceError } from '../domain/errors.js';

/** Files that are written atomically: to a temporary file, which is then renamed. */
export interface AtomicFiles {
  /**
   * Writes or replaces a file.
   *
   * @param durable whether the file must survive a power failure after this resolves (costs two to four syncs)
   */
  write(path: string, bytes: Uint8Array, durable: boolean): Promise<void>;
  /**
   * Keeps the content of a file while others may remove it: by a second name, or by a copy where the file system has only one
   * name for a file.
   *
   * @returns null if there is no file
   */
  hold(path: string): Promise<HeldFile | null>;
  /** Writes a temporary file, which the caller removes. @returns its path */
  temporary(bytes: Uint8Array): Promise<string>;
  /** Removes temporary files that a crash left. */
  removeLeftovers(): Promise<void>;
}

/** The content of a file that others may have removed. */
export interface HeldFile {
  /** Where the content is until it is released. */
  readonly path: string;
  /** Makes the file again, durably, if it was removed. */
  restore(): Promise<void>;
  /** Call it once, when the content is not needed any more. */
  release(): Promise<void>;
}

const MAX_AGE_MS = 60 * 60 * 1000;

/** @param directory for temporary files; on the same file system as the final paths. Files that a crash left are removed. */
export async function createAtomicFiles(directory: string): Promise<AtomicFiles> {
  await withWritableErrors(directory, () => mkdir(directory, { recursive: true }));
  await removeLeftovers(directory);
  return {
    removeLeftovers: () => removeLeftovers(directory),
    hold: (path) => withWritableErrors(directory, () => hold(join(directory, temporaryName()), path)),
    temporary: (bytes) =>
      withWritableErrors(directory, async () => {
        const path = join(directory, temporaryName());
        await writeFile(path, bytes, { flag: 'wx' });
        return path;
      }),
    write: (path, bytes, durable) =>
      withWritableErrors(directory, () =>
        writeAtomically(join(directory, temporaryName()), path, bytes, durable),
      ),
  };
}

/** Identifies this process. It contains random digits, because a pid is reused after a restart, in a container always. */
const PROCESS = `${hostname().replace(/[^\w-]/g, '_')}.${process.pid}.${randomBytes(4).toString('hex')}`;

function temporaryName(): string {
  return `${PROCESS}.${randomBytes(8).toString('hex')}`;
}

async function writeAtomically(
  temporary: string,
  path: string,
  bytes: Uint8Array,
  durable: boolean,
): Promise<void> {
  try {
    const file = await open(temporary, 'wx');
    try {
      await file.writeFile(bytes);
      if (durable) await file.sync();
    } finally {
      await file.close();
    }
    const firstMade = await mkdir(dirname(path), { recursive: true });
    await rename(temporary, path);
    if (durable)
      await syncDirectories(dirname(path), firstMade === undefined ? dirname(path) : dirname(firstMade));
  } catch (error) {
    await unlink(temporary).catch(() => {});
    throw error;
  }
}

async function hold(held: string, path: string): Promise<HeldFile | null> {
  try {
    await addName(path, held);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  return {
    path: held,
    async restore() {
      const firstMade = await mkdir(dirname(path), { recursive: true });
      await addName(held, path);
      await syncDirectories(dirname(path), firstMade === undefined ? dirname(path) : dirname(firstMade));
    },
    release: () => rm(held, { force: true }),
  };
}

/** Errors of file systems on which a file has one name. */
const ONE_NAME: ReadonlySet<string> = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK']);

async function addName(path: string, name: string): Promise<void> {
  try {
    await link(path, name);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (code === 'EEXIST') return;
    if (!ONE_NAME.has(code)) throw error;
    await copyFile(path, name);
  }
}

/** Syncs the directory `from` and its parents up to `last`. */
async function syncDirectories(from: string, last: string): Promise<void> {
  for (let at = from; ; at = dirname(at)) {
    // Windows cannot open a directory for a sync.
    const handle = await open(at, 'r').catch(() => null);
    await handle?.sync().catch(() => {});
    await handle?.close();
    if (at === last || at === dirname(at)) return;
  }
}

/** Removes temporary files of processes that have ended. */
async function removeLeftovers(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (await isLeftover(name, path)) await unlink(path).catch(() => {});
  }
}

async function isLeftover(name: string, path: string): Promise<boolean> {
  const [host, pid] = name.split('.');
  const [ownHost, ownPid] = PROCESS.split('.');
  if (name.startsWith(`${PROCESS}.`)) return false;
  if (host === ownHost && (pid === ownPid || !isAlive(Number(pid)))) return true;
  // The file of another machine on a shared disk, or of a reused pid: no write takes an hour.
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Date.now() }));
  return Date.now() - mtimeMs > MAX_AGE_MS;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function withWritableErrors<T>(directory: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT', 'ENOTDIR', 'EEXIST'].includes(code)) throw error;
    throw new CommonspaceError('DATA_FOLDER_NOT_WRITABLE', `Cannot write to ${directory} (${code}).`, [], {
      cause: error,
    });
  }
}
