import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
  isRequiredInputField,
} from 'graphql';

/** Walks the inputs of a schema, for tests that run over every argument and every input field. */

/** Values of required arguments and input fields, by the name of their type. */
export type Samples = Readonly<Record<string, unknown>>;

/** An argument of a field of an object type. */
export interface ArgumentPlace {
  readonly type: GraphQLObjectType;
  readonly field: GraphQLField<unknown, unknown>;
  readonly arg: GraphQLArgument;
}

/** An argument, or an input field within an argument. */
export interface InputPlace extends ArgumentPlace {
  /** The names of the argument and of the input fields that lead to the value; a list is entered at index 0. */
  readonly path: readonly string[];
  readonly valueType: GraphQLInputType;
  readonly defaultValue: unknown;
  /** The value of the argument with this value at the path. */
  readonly argumentWith: (value: unknown) => unknown;
}

/** `Type.field(argument.inputField)`. */
export function nameOf({ type, field, path }: InputPlace): string {
  return `${type.name}.${field.name}(${path.join('.')})`;
}

/** Every argument of every field, and every input field within it, each input type once within an argument. */
export function inputPlaces(schema: GraphQLSchema, samples: Samples): InputPlace[] {
  return Object.values(schema.getTypeMap()).flatMap((type) =>
    !isObjectType(type) || type.name.startsWith('__')
      ? []
      : Object.values(type.getFields()).flatMap((field) =>
          field.args.flatMap((arg) => {
            const start: InputPlace = {
              type,
              field,
              arg,
              path: [arg.name],
              valueType: arg.type,
              defaultValue: arg.defaultValue,
              argumentWith: (value) => value,
            };
            return [start, ...placesWithin(start, new Set(), samples)];
          }),
        ),
  );
}

function placesWithin(place: InputPlace, visited: ReadonlySet<string>, samples: Samples): InputPlace[] {
  const named = getNamedType(place.valueType);
  if (!isInputObjectType(named) || visited.has(named.name)) return [];
  const inList = isListType(isNonNullType(place.valueType) ? place.valueType.ofType : place.valueType);
  return Object.values(named.getFields()).flatMap((field) => {
    const inner: InputPlace = {
      ...place,
      path: [...place.path, ...(inList ? ['0'] : []), field.name],
      valueType: field.type,
      defaultValue: field.defaultValue,
      argumentWith: (value) => {
        const required = named.isOneOf ? {} : requiredFields(named.name, named.getFields(), samples);
        const object = { ...required, [field.name]: value };
        return place.argumentWith(inList ? [object] : object);
      },
    };
    return [inner, ...placesWithin(inner, new Set([...visited, named.name]), samples)];
  });
}

type InputFields = ReturnType<Extract<ReturnType<typeof getNamedType>, { isOneOf: boolean }>['getFields']>;

function requiredFields(name: string, fields: InputFields, samples: Samples): object {
  if (Object.hasOwn(samples, name)) return samples[name] as object;
  return Object.fromEntries(
    Object.values(fields)
      .filter(isRequiredInputField)
      .map((field) => [field.name, sampleOf(field.type, samples)]),
  );
}

/** A valid value of a type. Throws for a type that has no sample and cannot be built. */
function sampleOf(type: GraphQLInputType, samples: Samples): unknown {
  if (isNonNullType(type)) return sampleOf(type.ofType, samples);
  if (isListType(type)) return [sampleOf(type.ofType, samples)];
  if (Object.hasOwn(samples, type.name)) return samples[type.name];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type) && !type.isOneOf) return requiredFields(type.name, type.getFields(), samples);
  throw new Error(`add a sample of ${type.name} to the test`);
}

/** An operation that gives one argument. */
export interface Operation {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * The operation that gives the argument this value (undefined: that leaves it out), and the others only where they are
 * required.
 *
 * @param parents selects a field of an object type that is no root type, by the name of the type
 * @param literal writes the value into the document; it must be a literal
 */
export function operationWith(
  schema: GraphQLSchema,
  { type, field, arg }: ArgumentPlace,
  value: unknown,
  {
    samples,
    parents,
    literal,
  }: {
    samples: Samples;
    parents: Readonly<Record<string, (field: string) => string>>;
    literal?: string;
  },
): Operation {
  const others = field.args.filter((other) => other !== arg && isRequiredArgument(other));
  const variables: Record<string, unknown> = {};
  for (const other of others) variables[other.name] = sampleOf(other.type, samples);
  if (value !== undefined && literal === undefined) variables[arg.name] = value;
  const declared = field.args.filter(({ name }) => Object.hasOwn(variables, name));
  const given = declared.map(({ name }) => `${name}: $${name}`);
  if (literal !== undefined) given.push(`${arg.name}: ${literal}`);
  const call = `${field.name}${given.length > 0 ? `(${given.join(', ')})` : ''} ${selectionOf(field.type, 3)}`;
  const roots = [schema.getQueryType(), schema.getMutationType(), schema.getSubscriptionType()];
  const kind = ['query', 'mutation', 'subscription'][roots.indexOf(type)];
  const declarations = declared.map(({ name, type: declaredType }) => `$${name}: ${declaredType}`);
  const within = kind === undefined ? parents[type.name] : (field: string) => field;
  if (within === undefined) throw new Error(`add a parent of type ${type.name} to the test`);
  const head = `${kind ?? 'query'}${declarations.length > 0 ? ` (${declarations.join(', ')})` : ''}`;
  return { query: `${head} { ${within(call)} }`, variables };
}

/** Fields of which a list would exceed the limit of costs. */
const COSTLY: ReadonlySet<string> = new Set(['explanation', 'history']);

/** All fields that need no arguments, down to a depth, but costly ones. */
function selectionOf(type: GraphQLOutputType, depth: number): string {
  const named = getNamedType(type);
  if (isLeafType(named)) return '';
  if (!isObjectType(named) || depth === 0) return '{ __typename }';
  const fields = Object.values(named.getFields()).filter(
    (field) => !COSTLY.has(field.name) && !field.args.some(isRequiredArgument),
  );
  return `{ ${fields.map((field) => `${field.name} ${selectionOf(field.type, depth - 1)}`).join(' ')} }`;
}
