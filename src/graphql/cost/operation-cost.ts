import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLField,
  GraphQLIncludeDirective,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  GraphQLSkipDirective,
  getArgumentValues,
  getDirectiveValues,
  getNamedType,
  getNullableType,
  getOperationAST,
  getVariableValues,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { type FieldArguments, LISTS, LISTS_WITHIN, type ListSizes, sizeOf, WORK } from './cost-table.js';

/** An operation as a request has it. The document is valid. */
export interface Operation {
  readonly schema: GraphQLSchema;
  readonly document: DocumentNode;
  readonly operationName?: string | null | undefined;
  /** As the caller sent them. */
  readonly variables?: Readonly<Record<string, unknown>> | null | undefined;
}

/** Length of a list that LISTS does not have; a test checks that it has all. */
const UNKNOWN_LIST = 20;
/** Selections that are visited. A fragment counts once for each list around it whose length differs. */
const MAX_VISITS = 50_000;

const NO_SIZES: ListSizes = {};

/**
 * What an operation costs with its variables, in units of `MAX_COST`. Each value of the answer costs one unit, a list as much as its
 * elements, and a field what `WORK` has for it. Introspection costs nothing, because it reads no data.
 *
 * @returns null if the operation is not executed: its name or its variables are wrong
 */
export function operationCost({ schema, document, operationName, variables }: Operation): number | null {
  const operation = getOperationAST(document, operationName);
  const root = operation && schema.getRootType(operation.operation);
  if (operation == null || root == null) return null;
  const { coerced } = getVariableValues(schema, operation.variableDefinitions ?? [], { ...variables });
  return coerced === undefined
    ? null
    : new CostMeasure(schema, document, coerced).selection(operation.selectionSet, root, NO_SIZES);
}

/** The type whose fields the selection has. Unions have none. */
type Parent = ReturnType<typeof getNamedType>;

class CostMeasure {
  private readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** By the sizes that hold around the fragment, then by its name. */
  private readonly known = new Map<ListSizes, Map<string, number>>();
  private visits = 0;

  constructor(
    private readonly schema: GraphQLSchema,
    document: DocumentNode,
    private readonly variables: Readonly<Record<string, unknown>>,
  ) {
    this.fragments = new Map(
      document.definitions.flatMap((part) =>
        part.kind === 'FragmentDefinition' ? [[part.name.value, part] as const] : [],
      ),
    );
  }

  selection(set: SelectionSetNode, parent: Parent, sizes: ListSizes): number {
    let cost = 0;
    for (const node of set.selections) {
      this.visits += 1;
      if (this.visits > MAX_VISITS) return Number.MAX_SAFE_INTEGER;
      if (!this.isIncluded(node)) continue;
      if (node.kind === 'Field') cost += this.field(node, parent, sizes);
      else if (node.kind === 'FragmentSpread') cost += this.fragment(node.name.value, sizes);
      else {
        const type = node.typeCondition && this.schema.getType(node.typeCondition.name.value);
        cost += this.selection(node.selectionSet, type ?? parent, sizes);
      }
    }
    return cost;
  }

  private fragment(name: string, sizes: ListSizes): number {
    const fragment = this.fragments.get(name);
    if (fragment === undefined) return 0;
    const known = this.known.get(sizes) ?? new Map<string, number>();
    this.known.set(sizes, known);
    const type = this.schema.getType(fragment.typeCondition.name.value);
    const cost = known.get(name) ?? this.selection(fragment.selectionSet, type as Parent, sizes);
    known.set(name, cost);
    return cost;
  }

  private field(node: FieldNode, parent: Parent, sizes: ListSizes): number {
    if (node.name.value.startsWith('__') || !(isObjectType(parent) || isInterfaceType(parent))) return 0;
    const field = parent.getFields()[node.name.value];
    if (field === undefined) return 0;
    const args = this.argumentsOf(field, node);
    // An argument is invalid, so the field is not resolved.
    if (args === null) return 1;
    const coordinate = coordinateOf(parent, field.name);
    const work = WORK[coordinate] ?? 0;
    const cost = typeof work === 'number' ? work : work(args);
    const length = isList(field.type) ? listSize(coordinate, args, sizes) : 1;
    if (node.selectionSet === undefined) return cost + length;
    const within = sizesWithin(coordinate, field, args) ?? sizes;
    return cost + 1 + length * this.selection(node.selectionSet, getNamedType(field.type), within);
  }

  /** Null stands for the default, as null-defaults.ts has it. */
  private argumentsOf(field: GraphQLField<unknown, unknown>, node: FieldNode): FieldArguments | null {
    try {
      const args: Record<string, unknown> = getArgumentValues(field, node, this.variables);
      for (const { name, defaultValue } of field.args) args[name] ??= defaultValue;
      return args;
    } catch {
      return null;
    }
  }

  private isIncluded(node: SelectionNode): boolean {
    const skip = getDirectiveValues(GraphQLSkipDirective, node, this.variables);
    const include = getDirectiveValues(GraphQLIncludeDirective, node, this.variables);
    return skip?.if !== true && include?.if !== false;
  }
}

/** The name under which a field is in the table: that of the interface that declares it, if there is one. */
export function coordinateOf(
  parent: Pick<GraphQLObjectType, 'name' | 'getInterfaces'>,
  field: string,
): string {
  const declaring = parent.getInterfaces().find((type) => type.getFields()[field] !== undefined);
  return `${declaring?.name ?? parent.name}.${field}`;
}

function listSize(coordinate: string, args: FieldArguments, sizes: ListSizes): number {
  const size = sizes[coordinate] ?? LISTS[coordinate];
  if (size !== undefined) return typeof size === 'number' ? size : size(args);
  return args.first === undefined ? UNKNOWN_LIST : sizeOf(args.first);
}

/** The sizes of lists within a field, if it gives any: the pages of a connection, or those of the table. */
function sizesWithin(
  coordinate: string,
  { type }: GraphQLField<unknown, unknown>,
  args: FieldArguments,
): ListSizes | null {
  const { name } = getNamedType(type);
  if (!isList(type) && isCompositeType(getNamedType(type)) && args.first !== undefined) {
    const first = sizeOf(args.first);
    return {
      [`${name}.edges`]: first,
      [`${name}.nodes`]: first,
      ...LISTS_WITHIN[coordinate]?.(args),
    };
  }
  return LISTS_WITHIN[coordinate]?.(args) ?? null;
}

function isList(type: GraphQLOutputType): boolean {
  return isListType(getNullableType(type));
}
