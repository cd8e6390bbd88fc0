import { LOCAL } from '../../domain/access.js';
import type { App } from '../../services/app.js';
import type { JobBackend, JobView } from './job-backend.js';

/** Jobs by the services of this process, which does none itself: a server or a worker does them. */
export function localJobs({ jobs }: App): JobBackend {
  return {
    async page(states, first) {
      const page = await jobs.page({ states, kinds: null }, first, null);
      return { totalCount: await page.count(), jobs: page.edges.map(({ node }) => viewOf(node)) };
    },
    require: async (id) => viewOf(await jobs.require(id)),
    failures: async (id, first) =>
      (await jobs.failures(id, first, null)).edges.map(({ node: { ordinal, reference, code, message } }) => ({
        ordinal,
        reference,
        code,
        message,
      })),
    cancel: async (id) => viewOf(await jobs.cancel(id, LOCAL)),
    retry: async (id) => viewOf(await jobs.retry(id, LOCAL)),
  };
}

function viewOf(row: JobView): JobView {
  const { id, kind, state, total, done, failed, skipped, message, createdAt, finishedAt, requestedBy } = row;
  return { id, kind, state, total, done, failed, skipped, message, createdAt, finishedAt, requestedBy };
}
