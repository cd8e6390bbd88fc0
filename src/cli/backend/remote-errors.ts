import { ApiError } from '../../client/index.js';
import { CommonspaceError, ERRORS, type ErrorCode } from '../../domain/errors.js';

/** Runs a call of the API. Its errors become those that the same work in this process has, so that exit codes are the same. */
export async function calling<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw error instanceof ApiError ? ownError(error) : error;
  }
}

/** @throws CommonspaceError of a failure that the API reports in a result */
export function ownError(error: Pick<ApiError, 'code' | 'message' | 'field'>): CommonspaceError {
  const { code, message } = error;
  // The arguments of commands are those of the input of a mutation.
  const field = error.field[0] === 'input' ? error.field.slice(1) : error.field;
  const options = { cause: error };
  if (isKnown(code)) return new CommonspaceError(code, message, field, options);
  const unknown = code === 'UNREACHABLE' ? message : `The server answers with ${code}: ${message}`;
  return new CommonspaceError('SERVER_UNREACHABLE', unknown, ['server'], options);
}

function isKnown(code: string): code is ErrorCode {
  return Object.hasOwn(ERRORS, code);
}
