import { checkPageSize } from '../../domain/check.js';
import { badCursor } from '../../domain/cursor.js';
import { isUuid } from '../../domain/ids.js';
import { LIMITS } from '../../domain/limits.js';
import type { ItemField } from './field.js';

export const counterparts: ItemField<'counterparts'> = async (item, { first, after }, { loaders }) => {
  checkPageSize(first, LIMITS.counterpartPageSize);
  if (after != null && !isUuid(after)) throw badCursor();
  return await loaders.counterpartsOf.load({ itemId: item.id, afterId: after ?? null, limit: first });
};
