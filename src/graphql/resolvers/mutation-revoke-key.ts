import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const revokeKey: MutationField<'revokeKey'> = async (_parent, { id }, { services }) => {
  try {
    return { key: await services.keys.revokeById(id), errors: [] };
  } catch (error) {
    return { key: null, errors: [asUserError(error)] };
  }
};
