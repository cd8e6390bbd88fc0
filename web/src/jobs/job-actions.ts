import { failureOf } from '../../../src/client/api-error.js';
import { required } from '../../../src/client/results.js';
import { CancelJobHereDocument, RetryJobDocument } from '../__generated__/operations.js';
import { client, queries } from '../api/client.js';
import type { JobRow } from './job-row.js';

/** @throws ApiError */
export async function cancelJob({ id }: JobRow): Promise<void> {
  const { errors } = (await client.execute(CancelJobHereDocument, { id })).cancelJob;
  if (errors.length > 0) throw failureOf(errors);
  await jobsChanged();
}

/** Repeats what failed. @returns the id of the job that does it @throws ApiError */
export async function retryJob({ id, kind }: JobRow): Promise<string> {
  if (kind === 'TRAINING') await client.resumeTraining(id);
  const again =
    kind === 'TRAINING'
      ? id
      : await client
          .execute(RetryJobDocument, { id })
          .then(({ retryFailed: { job, errors } }) => required(job, errors).id);
  await jobsChanged();
  return again;
}

/** Reads again what the page shows of jobs. */
export async function jobsChanged(): Promise<void> {
  await queries.invalidateQueries({ queryKey: JOBS });
}

/** Begins the key of each query of jobs. */
export const JOBS = ['jobs'] as const;
