import { readQuery } from '../inputs.js';
import type { QueryField } from './field.js';

export const classify: QueryField<'classify'> = (_parent, { query, among, first }, { services, signal }) =>
  services.classes.classify(readQuery(query), among ?? null, first, signal);
