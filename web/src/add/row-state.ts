import { isUnderWay, type JobRow } from '../jobs/job-row.js';

/** What becomes of a row. */
export type RowState =
  | { readonly kind: 'ready' | 'skipped' | 'waiting' | 'stored' | 'left' }
  | { readonly kind: 'failed'; readonly message: string };

interface Row {
  readonly ordinal: number;
  readonly skipped: boolean;
  readonly error: { readonly message: string } | null;
}

/**
 * The state of a row. A job does its rows in their order, so its counts say which ones it has done.
 *
 * @param job null before it is begun
 * @param failed why rows failed in the job, by ordinal
 */
export function stateOf(row: Row, job: JobRow | null, failed: ReadonlyMap<number, string>): RowState {
  if (row.skipped) return { kind: 'skipped' };
  const message = job === null ? row.error?.message : failed.get(row.ordinal);
  if (message !== undefined) return { kind: 'failed', message };
  if (job === null) return { kind: 'ready' };
  const isPast = job.done + job.failed + job.skipped >= row.ordinal;
  if (isPast) return { kind: 'stored' };
  return { kind: isUnderWay(job) ? 'waiting' : 'left' };
}
