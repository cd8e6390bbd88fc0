import {
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import type { ErrorCode } from '../domain/errors.js';

/** How deep an operation may nest. The schema's own deepest useful query nests 7. */
export const MAX_DEPTH = 12;

/** What an operation may cost: about the number of values its answer can hold. */
export const MAX_COST = 20_000;

/** How many items a list without `first` is taken to have (an item's classes or counterparts, say). */
const ASSUMED_LIST = 5;
/** Lists that hang on one item and take no `first`. */
const UNPAGED_LISTS: ReadonlySet<string> = new Set([
  'classes',
  'counterparts',
  'evidence',
  'pairs',
  'methods',
  'curves',
  'perClass',
  'classification',
]);
/** What a field costs beyond its values: an explanation ranks every item that was learnt from. */
const WORK: Readonly<Record<string, number>> = { explanation: 50 };

/** Tokens of a document; the parser stops there. */
export const MAX_TOKENS = 4_000;

interface Measure {
  readonly depth: number;
  readonly cost: number;
}

/**
 * A validation rule that refuses operations which nest too deep or ask for too much, before anything runs.
 * Introspection fields count for nothing: they touch no data.
 */
export function operationLimits(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of context.getDocument().definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, Measure>();

  function measureFragment(name: string, path: ReadonlySet<string>): Measure {
    const fragment = fragments.get(name);
    // A cycle or an unknown fragment is another rule's to report.
    if (fragment === undefined || path.has(name)) return { depth: 0, cost: 0 };
    const measured = known.get(name) ?? measure(fragment.selectionSet, new Set([...path, name]));
    known.set(name, measured);
    return measured;
  }

  function measure(set: SelectionSetNode, path: ReadonlySet<string>): Measure {
    let depth = 0;
    let cost = 0;
    for (const selection of set.selections) {
      let inner: Measure;
      if (selection.kind === 'FragmentSpread') inner = measureFragment(selection.name.value, path);
      else if (selection.kind === 'InlineFragment') inner = measure(selection.selectionSet, path);
      else inner = measureField(selection, path);
      depth = Math.max(depth, inner.depth);
      cost += inner.cost;
    }
    return { depth, cost };
  }

  function measureField(field: FieldNode, path: ReadonlySet<string>): Measure {
    if (field.name.value.startsWith('__')) return { depth: 0, cost: 0 };
    if (field.selectionSet === undefined) return { depth: 1, cost: 1 };
    const inner = measure(field.selectionSet, path);
    const work = 1 + (WORK[field.name.value] ?? 0);
    return { depth: inner.depth + 1, cost: work + inner.cost * multiplicity(field) };
  }

  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const { depth, cost } = measure(operation.selectionSet, new Set());
      if (depth > MAX_DEPTH) {
        refuse(
          context,
          operation,
          'QUERY_TOO_DEEP',
          `The operation nests ${depth} deep; the limit is ${MAX_DEPTH}.`,
        );
      }
      if (cost > MAX_COST) {
        refuse(
          context,
          operation,
          'QUERY_TOO_COSTLY',
          `The operation asks for up to ${cost} values; the limit is ${MAX_COST}.`,
        );
      }
    },
  };
}

function multiplicity(field: FieldNode): number {
  const first = field.arguments?.find((argument) => argument.name.value === 'first')?.value;
  if (first?.kind === 'IntValue') return Math.max(1, Number(first.value));
  // A variable's value is not known here: the page sizes that services allow bound it, the default is the usual case.
  if (first !== undefined) return 50;
  return UNPAGED_LISTS.has(field.name.value) ? ASSUMED_LIST : 1;
}

function refuse(
  context: ValidationContext,
  node: OperationDefinitionNode,
  code: ErrorCode,
  message: string,
): void {
  // Apollo puts a code of its own over `code`; `limit` is what formatError reads.
  context.reportError(new GraphQLError(message, { nodes: node, extensions: { limit: code } }));
}
