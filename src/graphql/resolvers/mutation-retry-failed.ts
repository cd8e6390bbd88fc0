import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const retryFailed: MutationField<'retryFailed'> = (_parent, { id }, { services, caller }) =>
  jobPayload(() => services.jobs.retry(id, caller));
