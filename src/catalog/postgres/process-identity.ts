import { execFileSync } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { z } from 'zod';

/** Identifies a process, also against a later one with the same pid. */
export const processIdentity = z.object({
  pid: z.number().int().positive(),
  host: z.string(),
  /** Linux: changes with every boot. Null if unknown. */
  boot: z.string().nullable(),
  /** Linux: the pid namespace; a container has its own. */
  pidNamespace: z.string().nullable(),
  /** The start time of the process in the system's format, to compare for equality. */
  started: z.string().nullable(),
});
export type ProcessIdentity = z.infer<typeof processIdentity>;

/** This process. */
export function ownIdentity(): ProcessIdentity {
  return {
    pid: process.pid,
    host: hostname(),
    boot: attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    pidNamespace: attempt(() => readlinkSync('/proc/self/ns/pid')),
    started: startOf(process.pid),
  };
}

/**
 * Whether that process still runs; `unknown` for a process on another host or in another container.
 */
export function stateOf(other: ProcessIdentity): 'running' | 'ended' | 'unknown' {
  const own = ownIdentity();
  const samePlace =
    other.boot === null || own.boot === null
      ? other.host === own.host
      : other.boot === own.boot && other.pidNamespace === own.pidNamespace;
  if (!samePlace) {
    const rebooted = other.host === own.host && other.boot !== null && other.boot !== own.boot;
    return rebooted ? 'ended' : 'unknown';
  }
  try {
    process.kill(other.pid, 0);
  } catch (error) {
    // EPERM: it runs as another user.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return 'ended';
  }
  const started = startOf(other.pid);
  return other.started === null || started === null || started === other.started ? 'running' : 'ended';
}

/** The start time; null if the system does not tell, `ended` for a zombie process. */
function startOf(pid: number): string | null {
  if (process.platform === 'linux') {
    const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'latin1'));
    // The second field is the program's name in parentheses, which may contain spaces and parentheses.
    const [state, ...fields] = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
    return state === 'Z' || state === 'X' ? 'ended' : (fields[18] ?? null);
  }
  if (process.platform === 'win32') return null;
  const env = { LC_ALL: 'C', PATH: '/usr/bin:/bin' };
  return attempt(() => {
    const command = ['-o', 'lstart=', '-p', String(pid)];
    return (
      execFileSync('ps', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'], env }).trim() ||
      null
    );
  });
}

function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
