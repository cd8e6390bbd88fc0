import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const deleteClass: MutationField<'deleteClass'> = async (_parent, { id, name }, { services }) => {
  try {
    return { deletedId: (await services.classChanges.delete({ id, name })).id, errors: [] };
  } catch (error) {
    return { deletedId: null, errors: [asUserError(error)] };
  }
};
