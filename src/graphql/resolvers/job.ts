import type { JobFailureResolvers, JobResolvers } from '../../__generated__/resolver-types.js';
import { toConnection } from '../connections.js';
import { jobProgress, jobStateName } from '../job-values.js';

export const jobFields: JobResolvers = {
  state: (row) => jobStateName(row.state),
  progress: (row) => jobProgress(row),
  imported: (row, _args, { services }) => services.importJobs.imported(row),
  failures: async (row, { first, after }, { services }) => {
    const page = await services.jobs.failures(row.id, first, after ?? null);
    return toConnection(page.edges, page);
  },
};

export const jobFailure: JobFailureResolvers = {
  // An input that is no object cannot be shown as one.
  input: ({ input }) =>
    typeof input === 'object' && !Array.isArray(input) ? (input as Record<string, unknown> | null) : null,
};
