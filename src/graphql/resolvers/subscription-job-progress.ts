import type { SubscriptionResolvers } from '../../__generated__/resolver-types.js';
import type { JobRow } from '../../domain/job.js';

export const jobProgress: NonNullable<SubscriptionResolvers['jobProgress']> = {
  subscribe: async (_parent, { id }, { services, signal }) => {
    // An unknown id is an error of the operation, before the first event.
    await services.jobs.require(id);
    return services.jobs.watch(id, signal);
  },
  resolve: (row: JobRow) => row,
};
