import { toFilter } from '../inputs.js';
import { jobPayload } from '../job-values.js';
import type { MutationField } from './field.js';

export const deleteMatchingItems: MutationField<'deleteMatchingItems'> = (
  _parent,
  { filter, all },
  { services, caller },
) => jobPayload(() => services.deletions.begin(toFilter(filter), all, caller));
