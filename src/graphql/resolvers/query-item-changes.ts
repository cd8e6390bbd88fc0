import type { ChangePage } from '../../services/search/change-feed.js';
import { toConnection } from '../connections.js';
import type { QueryField } from './field.js';

export const itemChanges: QueryField<'itemChanges'> = async (_parent, { first, after }, { services }) =>
  toChangeConnection(await services.changeFeed.page(first, after ?? null));

export function toChangeConnection(page: ChangePage) {
  const edges = page.changes.map((change) => ({ cursor: change.cursor, node: change }));
  return { ...toConnection(edges, page), position: page.position };
}
