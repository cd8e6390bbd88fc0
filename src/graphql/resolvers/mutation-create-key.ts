import { readKeyScopes } from '../key-values.js';
import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const createKey: MutationField<'createKey'> = async (_parent, args, { services, caller }) => {
  try {
    const { row, secret } = await services.keys.createFor(caller, {
      name: args.name,
      scopes: readKeyScopes(args.scopes),
      expiresAt: args.expiresAt ?? null,
      perMinute: { cost: args.costPerMinute ?? null, bytes: args.bytesPerMinute ?? null },
    });
    return { key: row, secret, errors: [] };
  } catch (error) {
    return { key: null, secret: null, errors: [asUserError(error)] };
  }
};
