import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const cancelJob: MutationField<'cancelJob'> = (_parent, { id }, { services, caller }) =>
  jobPayload(() => services.jobs.cancel(id, caller));
