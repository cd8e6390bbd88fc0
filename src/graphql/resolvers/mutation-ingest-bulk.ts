import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const ingestBulk: MutationField<'ingestBulk'> = (_parent, { input }, { services, caller }) =>
  jobPayload(() => services.bulkJobs.begin(input, ['input'], caller));
