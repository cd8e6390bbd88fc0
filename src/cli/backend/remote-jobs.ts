import { type Client, type JobFieldsFragment, operations } from '../../client/index.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { JobState } from '../../domain/job.js';
import type { JobBackend, JobView } from './job-backend.js';
import { calling, ownError } from './remote-errors.js';

/** Jobs by the API of a server. */
export function remoteJobs(client: Client): JobBackend {
  const read = async (id: string, failures: number) => {
    const { job } = await calling(client.execute(operations.JobDocument, { id, failures }));
    if (job === null) throw new CommonspaceError('JOB_NOT_FOUND', 'No job has this id.', ['id']);
    return job;
  };
  return {
    async page(states, first) {
      const named = states?.map((state) => state.toUpperCase() as JobFieldsFragment['state']) ?? null;
      const { jobs } = await calling(client.execute(operations.JobsDocument, { states: named, first }));
      return { totalCount: jobs.totalCount, jobs: jobs.nodes.map(viewOf) };
    },
    require: async (id) => viewOf(await read(id, 1)),
    failures: async (id, first) => (await read(id, first)).failures.nodes,
    cancel: async (id) =>
      changed((await calling(client.execute(operations.CancelJobDocument, { id }))).cancelJob),
    retry: async (id) =>
      changed((await calling(client.execute(operations.RetryFailedDocument, { id }))).retryFailed),
  };
}

function changed({ job, errors }: operations.CancelJobMutation['cancelJob']): JobView {
  const [error] = errors;
  if (error !== undefined) throw ownError(error);
  if (job === null) throw new Error('the server answers with neither a job nor an error');
  return viewOf(job);
}

function viewOf({ state, createdAt, finishedAt, ...job }: JobFieldsFragment): JobView {
  const { id, kind, total, done, failed, skipped, message, requestedBy } = job;
  return {
    id,
    kind,
    state: state.toLowerCase() as JobState,
    total,
    done,
    failed,
    skipped,
    message,
    createdAt: new Date(createdAt),
    finishedAt: finishedAt === null ? null : new Date(finishedAt),
    requestedBy,
  };
}
