import type { ApiKeyResolvers } from '../../__generated__/resolver-types.js';
import { keyScopeName } from '../key-values.js';

/** Without its secret, which is not stored. */
export const apiKeyFields: ApiKeyResolvers = {
  scopes: ({ scopes }) => scopes.map(keyScopeName),
  costPerMinute: ({ perMinute }) => perMinute.cost,
  bytesPerMinute: ({ perMinute }) => perMinute.bytes,
  current: ({ id }, _args, { caller }) => id === caller.keyId,
};
