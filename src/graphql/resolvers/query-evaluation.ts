import type { QueryField } from './field.js';

export const evaluation: QueryField<'evaluation'> = (_parent, { id }, { services }) =>
  services.evaluationJobs.latest(id);
