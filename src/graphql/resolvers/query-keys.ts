import { toConnection } from '../connections.js';
import type { QueryField } from './field.js';

export const keys: QueryField<'keys'> = async (_parent, { usable, first, after }, { services }) => {
  const page = await services.keys.page(usable ?? null, first, after ?? null);
  return { ...toConnection(page.edges, page), count: page.count };
};
