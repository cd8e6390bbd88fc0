import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const projectEncoder: MutationField<'projectEncoder'> = (_parent, { id }, { services, caller }) =>
  jobPayload(() => services.map.begin(id, caller));
