import {
  defaultFieldResolver,
  type GraphQLArgument,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isInputObjectType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql';
import { checkStorable, checkStorableJson } from '../domain/check.js';
import type { FieldPath } from '../domain/errors.js';

const STRINGS: ReadonlySet<string> = new Set(['String', 'ID', 'JSONObject']);

/**
 * Makes every field refuse arguments with a string that the database cannot store: BAD_INPUT with the path of the string.
 * Mutations are left out: their services check, because such an error is part of their result.
 */
export function refuseUnstorableArguments(schema: GraphQLSchema): void {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || isIntrospectionType(type) || type === schema.getMutationType()) continue;
    for (const field of Object.values(type.getFields())) {
      const checked = field.args.filter(({ type: given }) => hasStrings(given, new Set()));
      if (checked.length === 0) continue;
      const { resolve = defaultFieldResolver, subscribe } = field;
      field.resolve = (parent, args, context, info) => {
        checkArguments(checked, args);
        return resolve(parent, args, context, info);
      };
      if (subscribe === undefined) continue;
      // Before the first event, and before other checks of the arguments.
      field.subscribe = (parent, args, context, info) => {
        checkArguments(checked, args);
        return subscribe(parent, args, context, info);
      };
    }
  }
}

function hasStrings(type: GraphQLInputType, visited: ReadonlySet<string>): boolean {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return STRINGS.has(named.name);
  if (visited.has(named.name)) return false;
  const now = new Set([...visited, named.name]);
  return Object.values(named.getFields()).some((field) => hasStrings(field.type, now));
}

function checkArguments(
  declared: readonly GraphQLArgument[],
  args: { readonly [name: string]: unknown },
): void {
  for (const { name, type } of declared) check(args[name], type, [name]);
}

function check(value: unknown, type: GraphQLInputType, path: FieldPath): void {
  if (value === undefined || value === null) return;
  if (isNonNullType(type)) {
    check(value, type.ofType, path);
  } else if (isListType(type)) {
    for (const [i, element] of (value as readonly unknown[]).entries()) {
      check(element, type.ofType, [...path, String(i)]);
    }
  } else if (isInputObjectType(type)) {
    const object = value as { readonly [name: string]: unknown };
    for (const field of Object.values(type.getFields()))
      check(object[field.name], field.type, [...path, field.name]);
  } else if (type.name === 'JSONObject') {
    checkStorableJson(JSON.stringify(value), path);
  } else if (typeof value === 'string' && STRINGS.has(type.name)) {
    checkStorable(value, path);
  }
}
