import { CommonspaceError } from '../domain/errors.js';

/**
 * Runs `jobs` in order, at most `lanes` of them at once. Returns the results in the order of the jobs.
 *
 * After a job fails or the signal is aborted, no further job starts. Running jobs continue, and their results are dropped:
 * terminating their threads would discard loaded models.
 *
 * @throws CommonspaceError CANCELLED as soon as the signal is aborted; otherwise the error of the first job that fails.
 */
export async function inLanes<Job, Result>(
  jobs: readonly Job[],
  lanes: number,
  work: (job: Job) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  if (signal?.aborted) throw cancelled(signal);
  const results: Result[] = new Array(jobs.length);
  let next = 0;
  let stopped = false;
  const lane = async (): Promise<void> => {
    while (!stopped && next < jobs.length) {
      const index = next++;
      results[index] = await work(jobs[index] as Job);
    }
  };
  try {
    const all = Promise.all(Array.from({ length: Math.min(lanes, jobs.length) }, lane));
    await (signal ? untilAborted(all, signal) : all);
    return results;
  } finally {
    stopped = true;
  }
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const cancel = (): void => reject(cancelled(signal));
    signal.addEventListener('abort', cancel, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', cancel));
  });
}

function cancelled(signal: AbortSignal): CommonspaceError {
  return new CommonspaceError('CANCELLED', 'The extraction was cancelled.', [], { cause: signal.reason });
}
