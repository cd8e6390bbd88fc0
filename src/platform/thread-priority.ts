import { getPriority, setPriority } from 'node:os';

/** In steps of `nice`; 10 leave a tenth of what a thread gets that competes for the same core. */
const STEPS = 10;
const LEAST = 19;

/**
 * Lets the calling thread give way to all others, so that long work beside a server leaves its answers quick.
 *
 * On Linux a priority belongs to a thread. Elsewhere it belongs to the whole process, which must not give way: nothing is
 * done there.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return;
  try {
    setPriority(0, Math.min(LEAST, getPriority(0) + STEPS));
  } catch {
    // Where a sandbox forbids it, the work goes on as it is.
  }
}
