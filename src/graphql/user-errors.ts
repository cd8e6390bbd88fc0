import type { Failure } from '../domain/errors.js';
import { CommonspaceError } from '../domain/errors.js';

/** Returns an expected error as a `UserError`. Any other error is thrown again, to be masked and logged. */
export function asUserError(error: unknown): Failure {
  if (error instanceof CommonspaceError) return error.toFailure();
  throw error;
}
