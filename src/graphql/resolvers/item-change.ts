import type { ItemChangeResolvers } from '../../__generated__/resolver-types.js';
import { isItem } from '../models.js';

export const itemChange: ItemChangeResolvers = {
  async item({ itemId }, _args, { loaders }) {
    const found = await loaders.node.load(itemId);
    return found !== null && isItem(found) ? found : null;
  },
};
