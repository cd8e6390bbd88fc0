import type { Failure, FieldPath } from '../domain/errors.js';
import type { EncoderRow } from '../services/models.js';
import { asUserError } from './user-errors.js';

/**
 * The encoder that some work gives, or why it gives none.
 *
 * @param fieldOf the schema's name of the field that a service names
 */
export async function encoderPayload(
  work: () => Promise<EncoderRow>,
  fieldOf: (field: FieldPath) => FieldPath = (field) => field,
): Promise<{ readonly encoder: EncoderRow | null; readonly errors: readonly Failure[] }> {
  try {
    return { encoder: await work(), errors: [] };
  } catch (error) {
    return { encoder: null, errors: [userError(error, fieldOf)] };
  }
}

function userError(error: unknown, fieldOf: (field: FieldPath) => FieldPath): Failure {
  const failure = asUserError(error);
  return { ...failure, field: fieldOf(failure.field) };
}
