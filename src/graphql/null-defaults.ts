import {
  type GraphQLArgument,
  type GraphQLInputField,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';

type Values = { readonly [name: string]: unknown };

/**
 * Makes an explicit null for an argument or an input field mean its default. GraphQL applies the default only to one that is
 * left out, but the generated types of resolvers say that an argument with a default is never null.
 */
export function applyDefaultsToNull(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const { resolve, subscribe, args: declared } = field;
      if (declared.length === 0) continue;
      if (resolve !== undefined) {
        field.resolve = (parent, args, context, info) =>
          resolve(parent, withDefaults(args, declared), context, info);
      }
      if (subscribe !== undefined) {
        field.subscribe = (parent, args, context, info) =>
          subscribe(parent, withDefaults(args, declared), context, info);
      }
    }
  }
}

function withDefaults(
  values: Values,
  declared: readonly (GraphQLArgument | GraphQLInputField)[],
): { [name: string]: unknown } {
  const given = declared.filter(({ name }) => values[name] !== undefined);
  return Object.fromEntries(
    given.map(({ name, type, defaultValue }) => [
      name,
      values[name] === null ? (defaultValue ?? null) : within(values[name], type),
    ]),
  );
}

function within(value: unknown, type: GraphQLInputType): unknown {
  if (value === null) return null;
  if (isNonNullType(type)) return within(value, type.ofType);
  if (isListType(type)) return (value as readonly unknown[]).map((element) => within(element, type.ofType));
  return isInputObjectType(type) ? withDefaults(value as Values, Object.values(type.getFields())) : value;
}
