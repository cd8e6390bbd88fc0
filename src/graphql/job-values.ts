import type { JobState as JobStateName } from '../__generated__/resolver-types.js';
import { JOB_STATES, type JobRow, type JobState } from '../domain/job.js';
import { asUserError } from './user-errors.js';

const STATES = {
  queued: 'QUEUED',
  running: 'RUNNING',
  succeeded: 'SUCCEEDED',
  failed: 'FAILED',
  cancelled: 'CANCELLED',
} as const satisfies Record<JobState, JobStateName>;

export function jobStateName(state: JobState): JobStateName {
  return STATES[state];
}

export function readJobStates(names: readonly JobStateName[] | null | undefined): JobState[] | null {
  return names == null ? null : JOB_STATES.filter((state) => names.includes(STATES[state]));
}

/** The share of the inputs that need no more work, 0 to 1. */
export function jobProgress({ state, total, done, failed, skipped }: JobRow): number | null {
  if (state === 'succeeded') return 1;
  if (total === null) return null;
  return total === 0 ? 0 : Math.min(1, (done + failed + skipped) / total);
}

/** Runs the work of a mutation that returns a job, and returns its expected errors as values. */
export async function jobPayload(work: () => Promise<JobRow>) {
  try {
    return { job: await work(), errors: [] };
  } catch (error) {
    return { job: null, errors: [asUserError(error)] };
  }
}
