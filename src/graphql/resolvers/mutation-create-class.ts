import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const createClass: MutationField<'createClass'> = async (
  _parent,
  { name, description },
  { services },
) => {
  try {
    return { class: await services.classes.create(name, description ?? null), errors: [] };
  } catch (error) {
    return { class: null, errors: [asUserError(error)] };
  }
};
