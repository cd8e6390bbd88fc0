import { unwrapResolverError } from '@apollo/server/errors';
import { GraphQLError, type GraphQLFormattedError } from 'graphql';
import { CommonspaceError, ERRORS, type FieldPath } from '../domain/errors.js';

/**
 * What a caller sees of an error: an expected one whole, with its code and field; GraphQL's own (syntax, validation,
 * variables) as they are; anything else only that it happened, while `report` gets all of it.
 */
export function formatError(
  formatted: GraphQLFormattedError,
  error: unknown,
  report: (error: unknown) => void,
): GraphQLFormattedError {
  const original = unwrapResolverError(error);
  const place = {
    ...(formatted.locations !== undefined && { locations: formatted.locations }),
    ...(formatted.path !== undefined && { path: formatted.path }),
  };
  if (original instanceof CommonspaceError) {
    const extensions = { code: original.code, field: original.field };
    return { message: original.message, ...place, extensions };
  }
  const field = argumentOf(original);
  if (field !== null) {
    return { message: formatted.message, ...place, extensions: { code: 'BAD_INPUT', field } };
  }
  const code = formatted.extensions?.limit ?? formatted.extensions?.code;
  // Apollo gives every fault of the request a code of its own, and this one to all that a resolver throws.
  if (code !== 'INTERNAL_SERVER_ERROR') return { message: formatted.message, ...place, extensions: { code } };
  report(original);
  return { message: ERRORS.INTERNAL.what, ...place, extensions: { code: 'INTERNAL' } };
}

/**
 * The argument that an error of GraphQL's own is about. A null from a variable, where the schema allows none, is found only
 * when the field is executed. GraphQL then throws an error that names the argument and has no code.
 */
function argumentOf(error: unknown): FieldPath | null {
  if (!(error instanceof GraphQLError) || error.nodes === undefined) return null;
  const name = /^Argument "(\w+)"/.exec(error.message)?.[1];
  return name === undefined ? null : [name];
}
