import type {
  ApiKeyConnectionResolvers,
  ClassConnectionResolvers,
  EncoderConnectionResolvers,
  ItemConnectionResolvers,
  JobConnectionResolvers,
} from '../../__generated__/resolver-types.js';

/** The resolvers of connections that are counted only if `totalCount` is selected. */
export const countedConnection = {
  totalCount: (connection) => connection.count(),
} satisfies ItemConnectionResolvers &
  ClassConnectionResolvers &
  EncoderConnectionResolvers &
  JobConnectionResolvers &
  ApiKeyConnectionResolvers;
