import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CommonspaceError, ERRORS, type FieldPath } from '../domain/errors.js';
import { observe } from '../domain/observations.js';

/**
 * Formats an error for the caller. An expected error keeps its message, code and field. Errors of GraphQL itself (syntax,
 * validation, variables) keep message and code. Any other error is masked, and `report` receives the original.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  report: (error: unknown) => void,
): GraphQLFormattedError {
  const answer = answerFor(formatted, error, report);
  observe({ kind: 'error', code: String(answer.extensions?.code) });
  return answer;
}

function answerFor(
  formatted: GraphQLFormattedError,
  error: unknown,
  report: (error: unknown) => void,
): GraphQLFormattedError {
  // An error of the whole operation has no path, so unwrapResolverError leaves it.
  const own = error instanceof GraphQLError && error.originalError instanceof CommonspaceError;
  const original = own ? error.originalError : unwrapResolverError(error);
  const location = {
    ...(formatted.locations !== undefined && { locations: formatted.locations }),
    ...(formatted.path !== undefined && { path: formatted.path }),
  };
  if (original instanceof CommonspaceError) {
    const { code, field, retryAfter } = original;
    const extensions = { code, field, ...(retryAfter !== null && { retryAfter }) };
    return { message: original.message, ...location, extensions };
  }
  const field = argumentOf(original);
  if (field !== null) {
    return { message: formatted.message, ...location, extensions: { code: 'BAD_INPUT', field } };
  }
  const code = formatted.extensions?.limit ?? formatted.extensions?.code;
  // Apollo sets other codes for invalid requests, and this one for everything that a resolver throws.
  if (code !== 'INTERNAL_SERVER_ERROR')
    return { message: formatted.message, ...location, extensions: { code } };
  if (isOfRequest(error)) {
    return { message: formatted.message, ...location, extensions: { code: 'BAD_USER_INPUT' } };
  }
  report(original);
  return { message: ERRORS.INTERNAL.what, ...location, extensions: { code: 'INTERNAL' } };
}

/**
 * The argument that an error of GraphQL itself names. A null from a variable, where the schema allows none, is found only
 * when the field is executed. GraphQL then throws an error that names the argument and has no code.
 */
function argumentOf(error: unknown): FieldPath | null {
  if (!(error instanceof GraphQLError) || error.nodes === undefined) return null;
  const name = /^Argument "(\w+)"/.exec(error.message)?.[1];
  return name === undefined ? null : [name];
}

/**
 * Whether GraphQL or Apollo refused the request itself, for example because of too many errors in its variables. An error of a
 * resolver has a path, and other errors are not GraphQL's.
 */
function isOfRequest(error: unknown): boolean {
  return error instanceof GraphQLError && error.path === undefined && error.originalError === undefined;
}
