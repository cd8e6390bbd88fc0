import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import { ownIdentity, type ProcessIdentity, processIdentity, stateOf } from './process-identity.js';

/** The lock of a holder on another host or in another container expires after this time without a refresh. */
const FOREIGN_HOLDER_SECONDS = 60;
const REFRESH_SECONDS = 10;

const lockContent = z.object({
  state: z.enum(['held', 'released']),
  owner: processIdentity,
  /** Where the holder serves the API, if it does and other processes of this machine can reach it. */
  address: z.string().nullable().default(null),
});

export interface FolderLock {
  /** Releases the folder for the next process. */
  release(): Promise<void>;
}

/**
 * Locks the data folder for this process. Two servers on one folder would corrupt its database silently.
 *
 * The lock is a file `lock/N` that names its holder. A hard link creates it, so it exists whole or not at all. N only grows:
 * a process that takes over from a dead or finished holder creates N + 1, which only one process can, and the highest N is
 * never removed. Of two processes that find the same holder dead, one creates N + 1. The other one fails to create it, or
 * finds a higher number afterwards and retries.
 *
 * @throws CommonspaceError DATA_FOLDER_LOCKED naming the holder's pid; DATA_FOLDER_NOT_WRITABLE.
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  const locks = join(folder, 'lock');
  const candidate = join(locks, `candidate-${process.pid}-${randomBytes(6).toString('hex')}`);
  try {
    await mkdir(locks, { recursive: true });
    await writeFile(candidate, encodeLock('held'), { flag: 'wx' });
  } catch (error) {
    throw notWritable(folder, error);
  }
  try {
    const number = await takeNumber(folder, locks, candidate);
    return hold(locks, number);
  } finally {
    await rm(candidate, { force: true });
  }
}

/**
 * Notes in the lock where this process serves the API, for commands that find the folder locked; null when it stops serving. Without a
 * lock of this process (the database is a server) it does nothing.
 */
export async function announceAddress(folder: string, address: string | null): Promise<void> {
  const found = await readLock(folder);
  if (found?.content.state !== 'held' || !isOwn(found.content.owner)) return;
  const locks = join(folder, 'lock');
  const noted = join(locks, `noted-${process.pid}-${randomBytes(6).toString('hex')}`);
  await writeFile(noted, encodeLock('held', address));
  await rename(noted, found.path);
}

/**
 * Where the holder of the folder serves the API; null if it does not, or is not known to run. Only an address of this machine is
 * returned: callers send their key to it.
 */
export async function announcedAddress(folder: string): Promise<string | null> {
  const content = (await readLock(folder).catch(() => null))?.content;
  if (content?.state !== 'held' || content.address === null) return null;
  // The port of a holder that has ended may belong to another program.
  if (stateOf(content.owner) !== 'running') return null;
  return isLoopbackAddress(content.address) ? content.address : null;
}

function isLoopbackAddress(address: string): boolean {
  if (!URL.canParse(address)) return false;
  const { protocol, hostname, username } = new URL(address);
  return protocol === 'http:' && username === '' && /^(127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function isOwn({ pid, started, boot, pidNamespace }: ProcessIdentity): boolean {
  const own = ownIdentity();
  return pid === own.pid && started === own.started && boot === own.boot && pidNamespace === own.pidNamespace;
}

/** The latest lock of the folder; null if there is none, or a malformed one. */
async function readLock(
  folder: string,
): Promise<{ readonly path: string; readonly content: z.infer<typeof lockContent> } | null> {
  const locks = join(folder, 'lock');
  try {
    const highest = Math.max(0, ...(await numbersIn(locks)));
    const path = join(locks, String(highest));
    const content = highest === 0 ? null : parse(await readFile(path, 'utf8'));
    return content && { path, content };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function takeNumber(folder: string, locks: string, candidate: string): Promise<number> {
  for (;;) {
    const highest = Math.max(0, ...(await numbersIn(locks)));
    if (highest > 0) await refuseIfHeld(folder, locks, highest, candidate);
    const number = highest + 1;
    try {
      await makeWhole(candidate, join(locks, String(number)));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'EEXIST') continue;
      throw notWritable(folder, error);
    }
    const present = await numbersIn(locks);
    if (present.some((other) => other > number)) {
      // Other processes have locked the folder since it was listed.
      await rm(join(locks, String(number)), { force: true });
      continue;
    }
    for (const lower of present) if (lower < number) await rm(join(locks, String(lower)), { force: true });
    return number;
  }
}

function hold(locks: string, number: number): FolderLock {
  const path = join(locks, String(number));
  const refresh = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, REFRESH_SECONDS * 1000);
  refresh.unref();
  return {
    async release() {
      clearInterval(refresh);
      const released = join(locks, `released-${process.pid}-${randomBytes(6).toString('hex')}`);
      await writeFile(released, encodeLock('released'));
      await rename(released, path);
    },
  };
}

/** Throws DATA_FOLDER_LOCKED if the holder of lock `number` still runs. */
async function refuseIfHeld(folder: string, locks: string, number: number, candidate: string): Promise<void> {
  const path = join(locks, String(number));
  let text: string;
  let seconds: number;
  try {
    text = await readFile(path, 'utf8');
    // Both times come from the file system's clock, which may differ from this machine's.
    seconds = ((await stat(candidate)).mtimeMs - (await stat(path)).mtimeMs) / 1000;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw notWritable(folder, error);
  }
  const content = parse(text);
  if (content?.state === 'released') return;
  const state = content ? stateOf(content.owner) : 'unknown';
  if (state === 'ended' || (state === 'unknown' && seconds > FOREIGN_HOLDER_SECONDS)) return;
  const who = content ? `process ${content.owner.pid} on ${content.owner.host}` : 'another process';
  throw new CommonspaceError(
    'DATA_FOLDER_LOCKED',
    `The data folder ${folder} is in use by ${who}. Stop that one first, or use another folder (--data).`,
  );
}

function parse(text: string): z.infer<typeof lockContent> | null {
  try {
    return lockContent.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

function encodeLock(state: 'held' | 'released', address: string | null = null): string {
  return `${JSON.stringify({ state, owner: ownIdentity(), address })}\n`;
}

/** Creates `path` with the candidate's content, or fails with EEXIST. */
async function makeWhole(candidate: string, path: string): Promise<void> {
  try {
    await link(candidate, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(code)) throw error;
    // The file system has no hard links (exFAT, some network shares). A concurrent reader may find the file empty: `unknown`.
    await writeFile(path, await readFile(candidate), { flag: 'wx' });
  }
}

async function numbersIn(locks: string): Promise<number[]> {
  return (await readdir(locks)).filter((name) => /^\d+$/.test(name)).map(Number);
}

function notWritable(folder: string, cause: unknown): CommonspaceError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown';
  const why =
    {
      EACCES: 'no permission',
      EPERM: 'no permission',
      EROFS: 'read-only',
      ENOTDIR: 'not a folder',
      EEXIST: 'not a folder',
      ENOSPC: 'disk full',
    }[code] ?? code;
  return new CommonspaceError(
    'DATA_FOLDER_NOT_WRITABLE',
    `The data folder ${folder} cannot be written to (${why}).`,
    [],
    {
      cause,
    },
  );
}
