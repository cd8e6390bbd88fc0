import type { JobRowFragment } from '../__generated__/operations.js';

export type JobRow = JobRowFragment;

export function isUnderWay({ state }: Pick<JobRow, 'state'>): boolean {
  return state === 'QUEUED' || state === 'RUNNING';
}

/** Whether what failed can be repeated. */
export function canRetry({ kind, state, failed }: JobRow): boolean {
  if (kind === 'EVALUATION') return false;
  if (state === 'FAILED' || state === 'CANCELLED') return true;
  return state === 'SUCCEEDED' && failed > 0 && (kind === 'INGEST' || kind === 'EXTRACTION');
}
