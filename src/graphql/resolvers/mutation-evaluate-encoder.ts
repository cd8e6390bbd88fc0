import { asUserError } from '../user-errors.js';
import type { MutationField } from './field.js';

export const evaluateEncoder: MutationField<'evaluateEncoder'> = async (
  _parent,
  { id, paper },
  { services },
) => {
  try {
    return { evaluation: await services.evaluationJobs.start(id, paper ?? true), errors: [] };
  } catch (error) {
    return { evaluation: null, errors: [asUserError(error)] };
  }
};
