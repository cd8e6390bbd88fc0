import { toConnection } from '../connections.js';
import { readFilter } from '../inputs.js';
import type { QueryField } from './field.js';

export const items: QueryField<'items'> = async (_parent, { filter, first, after }, { services }) => {
  const page = await services.items.page(readFilter(filter), first, after ?? null);
  return {
    ...toConnection(
      page.items.map(({ item, cursor }) => ({ cursor, node: item })),
      page,
    ),
    totalCount: page.totalCount,
  };
};
