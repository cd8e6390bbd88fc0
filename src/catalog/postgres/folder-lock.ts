import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import { ownIdentity, processIdentity, stateOf } from './process-identity.js';

/** A holder on another host or in another container counts as gone when its lock was not refreshed for so long. */
const FOREIGN_HOLDER_SECONDS = 60;
const REFRESH_SECONDS = 10;

const lockContent = z.object({ state: z.enum(['held', 'released']), owner: processIdentity });

export interface FolderLock {
  /** Lets the next process in. */
  release(): Promise<void>;
}

/**
 * Takes the data folder for this process alone. Two servers in one folder would ruin its database without a word.
 *
 * The lock is a file `lock/N` that tells who holds it, made by a hard link (so that it is there whole or not at all).
 * N only grows: whoever takes over from a dead or finished holder makes N + 1, which one process alone can, and the
 * highest N is never removed. That is what makes the taking over safe: of two processes that find the same holder
 * dead, one makes N + 1, and the other either fails to, or finds a still higher number after it and steps back.
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
      // What we saw was long past: others have come (and maybe gone) since.
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

/** Throws DATA_FOLDER_LOCKED if lock `number` is that of a process that still runs. */
async function refuseIfHeld(folder: string, locks: string, number: number, candidate: string): Promise<void> {
  const path = join(locks, String(number));
  let text: string;
  let seconds: number;
  try {
    text = await readFile(path, 'utf8');
    // Both times come from the file system's own clock, which may not be this machine's.
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

function encodeLock(state: 'held' | 'released'): string {
  return `${JSON.stringify({ state, owner: ownIdentity() })}\n`;
}

/** Makes `path` with the candidate's content, or fails with EEXIST. */
async function makeWhole(candidate: string, path: string): Promise<void> {
  try {
    await link(candidate, path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? '';
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EINVAL'].includes(code)) throw error;
    // File systems without hard links (exFAT, some network shares). A reader in between finds it empty: `unknown`.
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
