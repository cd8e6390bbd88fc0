import { constants, setPriority } from 'node:os';

/**
 * Lets the calling thread give way to all others, so that long work beside a server leaves its answers quick.
 *
 * On Linux a priority belongs to a thread. Elsewhere it belongs to the whole process, which must not give way: nothing is
 * done there.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // Where a sandbox forbids it, the work goes on as it is.
  }
}
