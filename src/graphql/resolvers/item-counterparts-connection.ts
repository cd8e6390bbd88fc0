import { checkPageSize } from '../../domain/check.js';
import { badCursor, decodeCursor, encodeCursor, fingerprint } from '../../domain/cursor.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import { toConnection } from '../connections.js';
import type { ItemField } from './field.js';

export const counterpartsConnection: ItemField<'counterpartsConnection'> = async (
  item,
  { first, after },
  { loaders },
) => {
  checkPageSize(first, LIMITS.counterpartPageSize);
  const print = fingerprint({ counterparts: item.id });
  const afterId = after == null ? null : decodeCursor(after, print);
  if (afterId !== null && !isUuid(afterId)) throw badCursor();
  const rows = await loaders.counterpartsOf.load({ itemId: item.id, afterId, limit: first + 1 });
  const edges = rows.slice(0, first).map((node) => ({ cursor: encodeCursor(print, node.id), node }));
  const page = { hasNextPage: rows.length > first, hasPreviousPage: afterId !== null };
  return { ...toConnection(edges, page), count: () => loaders.counterpartCount.load(item.id) };
};
