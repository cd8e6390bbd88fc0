import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { depthLimit, MAX_DEPTH } from '../../src/graphql/limits.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const codes = (query: string) =>
  validate(schema, parse(query), [depthLimit]).map((error) => error.extensions.limit);

const nested = (levels: number): string =>
  levels === 0 ? '{ id }' : `{ counterparts ${nested(levels - 1)} }`;

describe('the limit of depth', () => {
  it('accepts ordinary queries', () => {
    expect(
      codes(`{ crossModalSearch(query: {text: "x"}, first: 100) { edges { cursor rank score evidence { evidence rank similarity }
        node { id title classes { name } counterparts { id ... on TextItem { text } } } } pageInfo { hasNextPage endCursor } } }`),
    ).toEqual([]);
  });

  it(`refuses a depth above ${MAX_DEPTH}`, () => {
    expect(codes(`{ item(id: "x") ${nested(MAX_DEPTH)} }`)).toEqual(['QUERY_TOO_DEEP']);
  });

  it('includes fragments', () => {
    const hidden = `query { item(id: "x") { ...A } } fragment A on Item { counterparts { ...B } }
      fragment B on Item ${nested(MAX_DEPTH)}`;
    expect(codes(hidden)).toEqual(['QUERY_TOO_DEEP']);
  });

  it('accepts fragment cycles, which another rule reports', () => {
    const cycle = 'query { item(id: "x") { ...A } } fragment A on Item { ...B } fragment B on Item { ...A }';
    expect(codes(cycle)).toEqual([]);
  });

  it('accepts introspection of any depth', () => {
    const deep = `{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } }`;
    expect(codes(deep)).toEqual([]);
  });
});
