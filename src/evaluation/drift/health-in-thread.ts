import { inThread } from '../../platform/thread.js';
import { workerEntry } from '../../platform/worker-entry.js';
import type { HealthFigures, HealthTask } from './measure-drift.js';

/** `measureHealth` in a thread of its own: distances of 500 wide vectors take some tenths of a second. */
export async function healthInThread(task: HealthTask, signal?: AbortSignal): Promise<HealthFigures> {
  return await inThread<HealthFigures>(workerEntry(import.meta.url, 'health.worker'), task, {
    what: "The measurement of the encoder's health",
    signal,
  });
}
