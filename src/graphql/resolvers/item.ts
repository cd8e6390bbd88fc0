import type { ImageItemResolvers, TextItemResolvers } from '../../__generated__/resolver-types.js';
import { LOCAL } from '../../domain/access.js';
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
  duplicates: ({ id }, { threshold }, { services }) => services.duplicates.groupOf(id, threshold ?? null),
  async url({ contentHash }, { width = null, expiresIn = null }, { services, caller }) {
    // Without keys every picture can be fetched.
    if (expiresIn === null || caller === LOCAL) return mediaUrl(contentHash, width);
    return `/media/${contentHash}?${await services.signedMedia.query(contentHash, width, expiresIn)}`;
  },
};

export const textItem: TextItemResolvers = shared;
