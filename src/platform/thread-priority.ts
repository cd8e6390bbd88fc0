import { getPriority, setPriority } from 'node:os';

/** Steps of `nice`. With 10, a thread gets a tenth of the time of another thread on the same core. */
const STEPS = 10;
const MAX_NICE = 19;

/**
 * Lowers the priority of the calling thread, so that long work does not slow down the requests of a server.
 *
 * Only on Linux, where a priority belongs to a thread. On other systems it belongs to the process, so it is not changed.
 */
export function lowerPriority(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, Math.min(MAX_NICE, getPriority(0) + STEPS));
  } catch {
    // A sandbox can forbid it. The work then runs at normal priority.
  }
}
