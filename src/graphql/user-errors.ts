import type { Failure } from '../domain/errors.js';
import { CommonspaceError } from '../domain/errors.js';

/** An expected failure as a `UserError`; anything else goes on up, to be masked and logged. */
export function asUserError(error: unknown): Failure {
  if (error instanceof CommonspaceError) return error.toFailure();
  throw error;
}
