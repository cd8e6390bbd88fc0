import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const deleteEncoder: MutationField<'deleteEncoder'> = async (_parent, { id }, { services }) => {
  try {
    await services.encoders.remove(id);
    return { deletedId: id, errors: [] };
  } catch (error) {
    return { deletedId: null, errors: [asUserError(error)] };
  }
};
