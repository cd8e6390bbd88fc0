import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { describe, expect, it } from 'vitest';
import { MAX_COST, MAX_DEPTH, operationLimits } from '../../src/graphql/limits.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const codes = (query: string) =>
  validate(schema, parse(query), [operationLimits]).map((error) => error.extensions.limit);

const nested = (levels: number): string =>
  levels === 0 ? '{ id }' : `{ counterparts ${nested(levels - 1)} }`;

describe('limits on operations', () => {
  it('accept ordinary queries', () => {
    expect(
      codes(`{ crossModalSearch(query: {text: "x"}, first: 100) { edges { cursor rank score evidence { evidence rank similarity }
        node { id title classes { name } counterparts { id ... on TextItem { text } } } } pageInfo { hasNextPage endCursor } } }`),
    ).toEqual([]);
  });

  it(`refuse a depth above ${MAX_DEPTH}`, () => {
    expect(codes(`{ item(id: "x") ${nested(MAX_DEPTH)} }`)).toContain('QUERY_TOO_DEEP');
  });

  it('include fragments', () => {
    const hidden = `query { item(id: "x") { ...A } } fragment A on Item { counterparts { ...B } }
      fragment B on Item ${nested(MAX_DEPTH)}`;
    expect(codes(hidden)).toContain('QUERY_TOO_DEEP');
  });

  it('accept fragment cycles, which another rule reports', () => {
    const cycle = 'query { item(id: "x") { ...A } } fragment A on Item { ...B } fragment B on Item { ...A }';
    expect(codes(cycle)).toEqual([]);
  });

  it(`refuse a cost above ${MAX_COST}, summed over aliases`, () => {
    const fields = Array.from(
      { length: 60 },
      (_, i) => `a${i}: items(first: 100) { nodes { id title classes { id name } } }`,
    );
    expect(codes(`{ ${fields.join(' ')} }`)).toEqual(['QUERY_TOO_COSTLY']);
  });

  it('include each query that a search combines', () => {
    const parts = Array.from({ length: 16 }, (_, i) => `{text: "${i}"}`).join();
    const searches = (count: number) =>
      Array.from(
        { length: count },
        (_, i) => `a${i}: crossModalSearch(query: {all: [${parts}]}, first: 1) { mode }`,
      ).join(' ');
    expect(codes(`{ ${searches(50)} }`)).toEqual([]);
    expect(codes(`{ ${searches(70)} }`)).toEqual(['QUERY_TOO_COSTLY']);
  });

  it('include the cost of explanations', () => {
    const search = (first: number, alias = 'a') =>
      `${alias}: crossModalSearch(query: {text: "x"}, first: ${first}) { edges { explanation { similarity pairs { image { id } } } } }`;
    expect(codes(`{ ${search(100)} }`)).toEqual([]);
    expect(codes(`{ ${search(100)} ${search(100, 'b')} ${search(100, 'c')} ${search(100, 'd')} }`)).toEqual([
      'QUERY_TOO_COSTLY',
    ]);
  });

  it('count facets once for a page, and their lists by their arguments', () => {
    const facets = (classes: number) =>
      `facets(classes: ${classes}, metadataKeys: ["a"]) { total classes { class { name } count } metadata { key values { value count } } }`;
    const search = (classes: number) =>
      `crossModalSearch(query: {text: "x"}, first: 100, minScore: 0.1) { nodes { id title } ${facets(classes)} }`;
    expect(codes(`{ ${search(100)} ${facets(100)} }`)).toEqual([]);
    const many = Array.from({ length: 30 }, (_, i) => `a${i}: ${facets(20)}`).join(' ');
    expect(codes(`{ ${many} }`)).toEqual(['QUERY_TOO_COSTLY']);
  });

  it('count the ids of nodes, and duplicates', () => {
    const nodes = `nodes(ids: [${'"x" '.repeat(100)}]) { ... on ImageItem { counterparts(first: 100) { id title } } }`;
    expect(codes(`{ ${nodes.replace('first: 100', 'first: 10')} }`)).toEqual([]);
    expect(codes(`{ ${nodes} }`)).toEqual(['QUERY_TOO_COSTLY']);
    const duplicates = (alias: string) =>
      `${alias}: duplicates(first: 50) { nodes { members { item { id title } } } }`;
    expect(codes(`{ ${duplicates('a')} }`)).toEqual([]);
    const many = Array.from({ length: 20 }, (_, i) => duplicates(`a${i}`)).join(' ');
    expect(codes(`{ ${many} }`)).toEqual(['QUERY_TOO_COSTLY']);
  });

  it('assume the default page size for a variable', () => {
    expect(codes('query($n: Int) { items(first: $n) { nodes { id } } }')).toEqual([]);
  });

  it('accept introspection of any depth', () => {
    const deep = `{ __schema { types { fields { type { ofType { ofType { ofType { ofType { ofType { ofType { ofType { name } } } } } } } } } } } }`;
    expect(codes(deep)).toEqual([]);
  });
});
