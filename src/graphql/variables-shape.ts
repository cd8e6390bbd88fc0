import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isInputObjectType,
  isListType,
  type OperationDefinitionNode,
  typeFromAST,
} from 'graphql';

/**
 * Types and lengths in place of values: `string(12)`, `number`, `boolean`, `null`, `object(3)` for JSON, and for a list its length and
 * the shape of its first element.
 */
export type Shape =
  | string
  | { readonly [field: string]: Shape }
  | { readonly length: number; readonly first?: Shape };

/** Deeper inputs are named by their type alone. */
const MOST_DEPTH = 8;

/**
 * The shape of an operation's variables, for the log: nothing of it is a value of the caller. The keys of JSON are values, so only the
 * fields of the schema's own inputs are named.
 */
export function variablesShape(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  variables: Readonly<Record<string, unknown>>,
): Readonly<Record<string, Shape>> {
  return Object.fromEntries(
    variableDefinitions.flatMap(({ variable, type }) => {
      const name = variable.name.value;
      const declared = typeFromAST(schema, type) as GraphQLInputType | undefined;
      if (!Object.hasOwn(variables, name) || declared === undefined) return [];
      return [[name, shapeOf(variables[name], declared, 0)]];
    }),
  );
}

function shapeOf(value: unknown, type: GraphQLInputType, depth: number): Shape {
  const nullable = getNullableType(type);
  if (value === null) return 'null';
  if (depth > MOST_DEPTH) return String(nullable);
  if (isListType(nullable)) {
    const list: readonly unknown[] = Array.isArray(value) ? value : [value];
    const element = nullable.ofType as GraphQLInputType;
    return { length: list.length, ...(list.length > 0 && { first: shapeOf(list[0], element, depth + 1) }) };
  }
  if (isInputObjectType(nullable) && typeof value === 'object') {
    const given = value as Readonly<Record<string, unknown>>;
    const fields = Object.values(nullable.getFields()).filter(({ name }) => Object.hasOwn(given, name));
    return Object.fromEntries(
      fields.map((field) => [field.name, shapeOf(given[field.name], field.type, depth + 1)]),
    );
  }
  if (typeof value === 'string') return `string(${value.length})`;
  if (typeof value === 'object') return `object(${Object.keys(value as object).length})`;
  return typeof value;
}
