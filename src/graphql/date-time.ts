import { GraphQLError, GraphQLScalarType } from 'graphql';
import { GraphQLDateTimeISO } from 'graphql-scalars';

const iso = GraphQLDateTimeISO.toConfig();

/** A time, under the name of schema.graphql, which variables have. The database takes the years 1 to 9999 of UTC. */
export const dateTime = new GraphQLScalarType({
  ...iso,
  name: 'DateTime',
  parseValue: (value) => storable(iso.parseValue?.(value)),
  parseLiteral: (node, variables) => storable(iso.parseLiteral?.(node, variables)),
});

function storable(date: Date | undefined): Date | undefined {
  const year = date?.getUTCFullYear() ?? 1;
  if (year < 1 || year > 9999) throw new GraphQLError('DateTime can represent the years 1 to 9999 only.');
  return date;
}
