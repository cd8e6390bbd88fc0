import { readFilter } from '../inputs.js';
import type { QueryField } from './field.js';

export const facets: QueryField<'facets'> = async (
  _parent,
  { filter, metadataKeys, classes, values },
  { services },
) => {
  const request = { filter: readFilter(filter), metadataKeys: metadataKeys ?? [], classes, values };
  await services.facets.check(request);
  return request;
};
