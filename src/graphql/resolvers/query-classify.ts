import { readSingleQuery } from '../inputs.js';
import type { QueryField } from './field.js';

export const classify: QueryField<'classify'> = (
  _parent,
  { query, among, first },
  { services, signal, fetches },
) => services.classes.classify(readSingleQuery(query), among ?? null, first, { signal, fetches });
