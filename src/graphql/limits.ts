import {
  type ASTVisitor,
  type FragmentDefinitionNode,
  GraphQLError,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { checkNesting } from '../domain/check.js';
import { CommonspaceError } from '../domain/errors.js';

/** Maximum depth of an operation. The deepest useful query of the schema has depth 7. */
export const MAX_DEPTH = 12;

/** Maximum number of tokens in a document. The parser stops there. */
export const MAX_TOKENS = 4_000;

/** Maximum nesting of the variables. A filter of 100 terms nests 200 levels. */
const MAX_VARIABLE_LEVELS = 256;

/** The error of variables that nest deeper than the limit; null if they do not. Check it before the variables are coerced. */
export function nestingError(variables: unknown): GraphQLError | null {
  try {
    checkNesting(variables, MAX_VARIABLE_LEVELS, ['variables']);
    return null;
  } catch (error) {
    if (!(error instanceof CommonspaceError)) throw error;
    return new GraphQLError(error.message, { originalError: error, extensions: { http: { status: 400 } } });
  }
}

/** A validation rule that refuses operations over the limit of depth. Introspection fields do not count. */
export function depthLimit(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of context.getDocument().definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, number>();

  function depthOfFragment(name: string, path: ReadonlySet<string>): number {
    const fragment = fragments.get(name);
    // Other rules report cycles and unknown fragments.
    if (fragment === undefined || path.has(name)) return 0;
    const depth = known.get(name) ?? depthOf(fragment.selectionSet, new Set([...path, name]));
    known.set(name, depth);
    return depth;
  }

  function depthOf(set: SelectionSetNode, path: ReadonlySet<string>): number {
    const depths = set.selections.map((selection) => {
      if (selection.kind === 'FragmentSpread') return depthOfFragment(selection.name.value, path);
      if (selection.kind === 'InlineFragment') return depthOf(selection.selectionSet, path);
      if (selection.name.value.startsWith('__')) return 0;
      return 1 + (selection.selectionSet === undefined ? 0 : depthOf(selection.selectionSet, path));
    });
    return Math.max(0, ...depths);
  }

  return {
    OperationDefinition(operation) {
      const depth = depthOf(operation.selectionSet, new Set());
      if (depth <= MAX_DEPTH) return;
      // Apollo overwrites `code`, so formatError reads `limit`.
      const options = { nodes: operation, extensions: { limit: 'QUERY_TOO_DEEP' } };
      context.reportError(
        new GraphQLError(`The operation has depth ${depth}; the limit is ${MAX_DEPTH}.`, options),
      );
    },
  };
}
