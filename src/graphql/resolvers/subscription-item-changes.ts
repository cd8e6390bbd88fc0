import type { SubscriptionResolvers } from '../../__generated__/resolver-types.js';
import type { ChangePage } from '../../services/search/change-feed.js';
import type { GraphqlContext } from '../context.js';
import { createLoaders } from '../loaders.js';
import { toChangeConnection } from './query-item-changes.js';

export const followItemChanges: NonNullable<SubscriptionResolvers['itemChanges']> = {
  subscribe: (_parent, { first, after }, { services, signal }) =>
    services.changeFeed.follow(first, after ?? null, signal),
  resolve(page: ChangePage, _args: unknown, context: GraphqlContext) {
    context.loaders = createLoaders(context.services);
    return toChangeConnection(page);
  },
};
