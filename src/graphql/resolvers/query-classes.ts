import { toConnection } from '../connections.js';
import type { QueryField } from './field.js';

export const classes: QueryField<'classes'> = async (
  _parent,
  { search, seen, first, after },
  { services },
) => {
  const page = await services.classes.page(search ?? null, seen ?? null, first, after ?? null);
  return {
    ...toConnection(
      page.classes.map(({ row, cursor }) => ({ cursor, node: row })),
      page,
    ),
    count: page.count,
  };
};
