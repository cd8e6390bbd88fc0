import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const mergeClasses: MutationField<'mergeClasses'> = async (_parent, { from, into }, { services }) => {
  try {
    return { class: await services.classChanges.merge(from, into), errors: [] };
  } catch (error) {
    return { class: null, errors: [asUserError(error)] };
  }
};
