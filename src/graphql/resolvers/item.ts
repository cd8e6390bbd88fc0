import type { ImageItemResolvers, TextItemResolvers } from '../../__generated__/resolver-types.js';
import { mediaUrl } from '../media-url.js';
import { counterparts } from './item-counterparts.js';
import { counterpartsConnection } from './item-counterparts-connection.js';

/** The resolvers of both item types. */
const shared = {
  classes: (item, _args, { loaders }) => loaders.classesOf.load(item.id),
  counterparts,
  counterpartsConnection,
} satisfies ImageItemResolvers & TextItemResolvers;

export const imageItem: ImageItemResolvers = {
  ...shared,
  sha256: (item) => item.contentHash,
  url: (item, { width }) => mediaUrl(item.contentHash, width ?? null),
};

export const textItem: TextItemResolvers = shared;
