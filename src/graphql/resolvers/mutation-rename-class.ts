import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const renameClass: MutationField<'renameClass'> = async (
  _parent,
  { id, name, newName, description },
  { services },
) => {
  try {
    return { class: await services.classChanges.rename({ id, name }, newName, description), errors: [] };
  } catch (error) {
    return { class: null, errors: [asUserError(error)] };
  }
};
