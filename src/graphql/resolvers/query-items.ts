import { toConnection } from '../connections.js';
import { readFilter, readItemOrder } from '../inputs.js';
import type { QueryField } from './field.js';

export const items: QueryField<'items'> = async (_parent, args, { services }) => {
  const filter = readFilter(args.filter);
  const page = await services.items.page(filter, args.first, args.after ?? null, readItemOrder(args.orderBy));
  const edges = page.items.map(({ item, cursor }) => ({ cursor, node: item }));
  return { ...toConnection(edges, page), count: () => services.items.count(filter) };
};
