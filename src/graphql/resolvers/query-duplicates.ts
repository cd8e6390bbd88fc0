import { toConnection } from '../connections.js';
import type { QueryField } from './field.js';

export const duplicates: QueryField<'duplicates'> = async (
  _parent,
  { threshold, first, after },
  { services, signal },
) => {
  const page = await services.duplicates.page(threshold ?? null, first, after ?? null, signal);
  const connection = toConnection(
    page.groups.map(({ group, cursor }) => ({ cursor, node: group })),
    page,
  );
  return { ...connection, pageInfo: { ...connection.pageInfo, endCursor: page.endCursor } };
};
