import {
  type ASTVisitor,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
  type ValueNode,
} from 'graphql';
import type { ErrorCode } from '../domain/errors.js';

/** Maximum depth of an operation. The deepest useful query of the schema has depth 7. */
export const MAX_DEPTH = 12;

/** Maximum cost of an operation. The cost estimates the number of values in the result. */
export const MAX_COST = 20_000;

/** Assumed length of a list without `first`, for example the classes of an item. */
const ASSUMED_LIST = 5;
/** Arguments that give the length of a list: a page size, or the ids to look up. */
const SIZED_BY: ReadonlySet<string> = new Set(['first', 'ids']);
/** Arguments of a field that give the length of lists within it. These are counted with the assumed length. */
const SIZES_WITHIN: ReadonlySet<string> = new Set(['classes', 'values']);
/** Arguments that can combine queries. */
const COMBINING: ReadonlySet<string> = new Set(['query']);
/** Lists whose length no argument of the operation has to give. */
const UNPAGED_LISTS: ReadonlySet<string> = new Set([
  'classes',
  'counterparts',
  'evidence',
  'pairs',
  'methods',
  'curves',
  'perClass',
  'classification',
  'modalities',
  'members',
  'metadata',
  'values',
  'parts',
]);
/**
 * Cost of a field in addition to its values. An explanation ranks all training pairs, facets read all matching items, duplicates compare
 * thousands of images, the parts of an encoder are read from its weights.
 */
const WORK: Readonly<Record<string, number>> = { parts: 20, explanation: 50, facets: 500, duplicates: 500 };

/** Cost of each query that a search combines: it is extracted and ranked by. */
const PART_WORK = 20;

/** Maximum number of tokens in a document. The parser stops there. */
export const MAX_TOKENS = 4_000;

/** Fields that a list has once, not for each of its elements. */
const ONCE: ReadonlySet<string> = new Set(['facets']);

interface Measure {
  readonly depth: number;
  /** For each element, if the selection is that of a list. */
  readonly cost: number;
  /** Cost of the fields in ONCE. */
  readonly once: number;
}

/**
 * A validation rule that refuses operations over the limits of depth and cost before execution. Introspection fields cost
 * nothing, because they read no data.
 */
export function operationLimits(context: ValidationContext): ASTVisitor {
  const fragments = new Map<string, FragmentDefinitionNode>();
  for (const definition of context.getDocument().definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  const known = new Map<string, Measure>();

  function measureFragment(name: string, path: ReadonlySet<string>): Measure {
    const fragment = fragments.get(name);
    // Other rules report cycles and unknown fragments.
    if (fragment === undefined || path.has(name)) return { depth: 0, cost: 0, once: 0 };
    const measured = known.get(name) ?? measure(fragment.selectionSet, new Set([...path, name]));
    known.set(name, measured);
    return measured;
  }

  function measure(set: SelectionSetNode, path: ReadonlySet<string>): Measure {
    let depth = 0;
    let cost = 0;
    let once = 0;
    for (const selection of set.selections) {
      let inner: Measure;
      if (selection.kind === 'FragmentSpread') inner = measureFragment(selection.name.value, path);
      else if (selection.kind === 'InlineFragment') inner = measure(selection.selectionSet, path);
      else inner = measureField(selection, path);
      depth = Math.max(depth, inner.depth);
      cost += inner.cost;
      once += inner.once;
    }
    return { depth, cost, once };
  }

  function measureField(field: FieldNode, path: ReadonlySet<string>): Measure {
    if (field.name.value.startsWith('__')) return { depth: 0, cost: 0, once: 0 };
    if (field.selectionSet === undefined) return { depth: 1, cost: 1, once: 0 };
    const inner = measure(field.selectionSet, path);
    const depth = inner.depth + 1;
    const work = 1 + (WORK[field.name.value] ?? 0) + PART_WORK * partsIn(field);
    const cost = work + inner.cost * multiplicity(field) + inner.once;
    return ONCE.has(field.name.value) ? { depth, cost: 0, once: cost } : { depth, cost, once: 0 };
  }

  return {
    OperationDefinition(operation: OperationDefinitionNode) {
      const { depth, ...measured } = measure(operation.selectionSet, new Set());
      const cost = measured.cost + measured.once;
      if (depth > MAX_DEPTH) {
        refuse(
          context,
          operation,
          'QUERY_TOO_DEEP',
          `The operation has depth ${depth}; the limit is ${MAX_DEPTH}.`,
        );
      }
      if (cost > MAX_COST) {
        refuse(
          context,
          operation,
          'QUERY_TOO_COSTLY',
          `The operation has cost ${cost}; the limit is ${MAX_COST}.`,
        );
      }
    },
  };
}

function multiplicity(field: FieldNode): number {
  const size = argumentsOf(field, SIZED_BY)[0];
  if (size?.kind === 'IntValue') return Math.max(1, Number(size.value));
  if (size?.kind === 'ListValue') return Math.max(1, size.values.length);
  // The value of a variable is unknown during validation. Services limit page sizes.
  if (size !== undefined && size.kind !== 'NullValue') return 50;
  if (UNPAGED_LISTS.has(field.name.value)) return ASSUMED_LIST;
  const within = argumentsOf(field, SIZES_WITHIN).map((value) =>
    value.kind === 'IntValue' ? Number(value.value) : 50,
  );
  return Math.max(1, ...within.map((length) => length / ASSUMED_LIST));
}

/** The number of queries in `query: { all: […] }`, as far as the document has them. */
function partsIn(field: FieldNode): number {
  const [query] = argumentsOf(field, COMBINING);
  if (query?.kind !== 'ObjectValue') return 0;
  const all = query.fields.find(({ name }) => name.value === 'all')?.value;
  if (all === undefined) return 0;
  return all.kind === 'ListValue' ? all.values.length : 1;
}

function argumentsOf(field: FieldNode, names: ReadonlySet<string>): ValueNode[] {
  return (field.arguments ?? []).flatMap(({ name, value }) => (names.has(name.value) ? [value] : []));
}

function refuse(
  context: ValidationContext,
  node: OperationDefinitionNode,
  code: ErrorCode,
  message: string,
): void {
  // Apollo overwrites `code`, so formatError reads `limit`.
  context.reportError(new GraphQLError(message, { nodes: node, extensions: { limit: code } }));
}
