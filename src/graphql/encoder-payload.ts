import type { Failure, FieldPath } from '../domain/errors.js';
import type { EncoderRow } from '../services/models.js';
import { asUserError } from './user-errors.js';

/**
 * Runs the work of a mutation that returns an encoder, and returns its expected errors as values.
 *
 * @param fieldOf maps the path of a service's error to the path in the schema
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
