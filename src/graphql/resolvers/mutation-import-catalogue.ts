import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const importCatalogue: MutationField<'importCatalogue'> = (_parent, { input }, { services, caller }) =>
  jobPayload(() => services.importJobs.begin(input, ['input'], caller));
