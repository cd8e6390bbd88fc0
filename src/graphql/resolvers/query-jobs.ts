import { toConnection } from '../connections.js';
import { readJobStates } from '../job-values.js';
import type { QueryField } from './field.js';

export const jobs: QueryField<'jobs'> = async (_parent, { states, kinds, first, after }, { services }) => {
  const filter = { states: readJobStates(states), kinds: kinds ?? null };
  const page = await services.jobs.page(filter, first, after ?? null);
  return { ...toConnection(page.edges, page), count: page.count };
};
