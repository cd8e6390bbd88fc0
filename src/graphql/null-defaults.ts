import { type GraphQLArgument, type GraphQLSchema, isIntrospectionType, isObjectType } from 'graphql';

/**
 * Makes an explicit null for an argument mean its default. GraphQL applies the default only to an argument that is left
 * out, but the generated types of resolvers say that an argument with a default is never null.
 */
export function applyDefaultsToNull(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type)) continue;
    for (const field of Object.values(type.getFields())) {
      const { resolve } = field;
      const withDefault = field.args.filter((arg) => arg.defaultValue !== undefined);
      if (resolve === undefined || withDefault.length === 0) continue;
      field.resolve = (parent, args, context, info) =>
        resolve(parent, replaceNull(args, withDefault), context, info);
    }
  }
}

function replaceNull(
  args: { readonly [name: string]: unknown },
  withDefault: readonly GraphQLArgument[],
): { [name: string]: unknown } {
  const defaults = withDefault.filter(({ name }) => args[name] === null);
  return { ...args, ...Object.fromEntries(defaults.map(({ name, defaultValue }) => [name, defaultValue])) };
}
