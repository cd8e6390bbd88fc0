import type { ItemConnectionResolvers } from '../../__generated__/resolver-types.js';

export const itemConnection: ItemConnectionResolvers = {
  totalCount: (connection) => connection.count(),
};
