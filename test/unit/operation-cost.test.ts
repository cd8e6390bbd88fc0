import { readFileSync } from 'node:fs';
import {
  buildSchema,
  getNamedType,
  getNullableType,
  isIntrospectionType,
  isListType,
  isObjectType,
  parse,
  validate,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { LISTS, LISTS_WITHIN, MAX_COST, WORK } from '../../src/graphql/cost/cost-table.js';
import { coordinateOf, operationCost } from '../../src/graphql/cost/operation-cost.js';

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));

function cost(query: string, variables: Record<string, unknown> = {}, operationName?: string): number {
  const document = parse(query);
  expect(validate(schema, document)).toEqual([]);
  return operationCost({ schema, document, variables, operationName }) ?? Number.NaN;
}

const aliased = (count: number, field: string) =>
  `{ ${Array.from({ length: count }, (_, i) => `a${i}: ${field}`).join(' ')} }`;

describe('the cost of an operation', () => {
  it('is small for ordinary queries', () => {
    const page = `{ crossModalSearch(query: {text: "x"}, first: 100) { edges { cursor rank score evidence { evidence rank similarity }
      node { id title classes { name } counterparts { id ... on TextItem { text } } } } pageInfo { hasNextPage endCursor } } }`;
    expect(cost(page)).toBeLessThan(MAX_COST);
    expect(cost('{ items { nodes { id title } } }')).toBe(1 + 1 + 20 * 2);
    expect(cost('{ item(id: "x") { id classes { name } } }')).toBe(1 + 1 + 1 + 5);
  });

  it.each([
    ['classifications', 'classify(query: {text: "x"}) { probability }'],
    ['searches', 'crossModalSearch(query: {text: "x"}, first: 1) { mode }'],
    ['fetches by address', 'classify(query: {imageUrl: "http://a/"}) { probability }'],
    ['counts', 'crossModalSearch(query: {itemId: "x"}, minScore: 0.1, first: 1) { totalCount }'],
  ])('is above the limit for 300 aliased %s, and not for 10', (_what, field) => {
    expect(cost(aliased(300, field))).toBeGreaterThan(MAX_COST);
    expect(cost(aliased(10, field))).toBeLessThan(MAX_COST);
  });

  it('is above the limit for 25 fetches by address', () => {
    expect(cost(aliased(25, 'crossModalSearch(query: {imageUrl: "http://a/"}) { mode }'))).toBeGreaterThan(
      MAX_COST,
    );
  });

  it('is above the limit for counterparts of counterparts of a page', () => {
    const nested = '{ items(first: 100) { nodes { counterparts { counterparts { id } } } } }';
    expect(cost(nested)).toBeGreaterThan(100 * 63 * 63);
    expect(cost('{ item(id: "x") { counterparts { counterparts { id } } } }')).toBeLessThan(MAX_COST);
  });

  it('uses the values of variables, their defaults, and those of the schema', () => {
    const sized = 'query($n: Int) { items(first: $n) { nodes { id title } } }';
    expect(cost(sized, { n: 100 })).toBe(2 + 200);
    expect(cost(sized, { n: 7 })).toBe(2 + 14);
    expect(cost(sized, {})).toBe(2 + 40);
    expect(cost(sized, { n: null })).toBe(2 + 40);
    expect(cost('query($n: Int = 5) { items(first: $n) { nodes { id title } } }')).toBe(2 + 10);
    const ids = 'query($ids: [ID!]!) { nodes(ids: $ids) { id } }';
    expect(cost(ids, { ids: Array.from({ length: 60 }, String) })).toBe(61);
    const query = 'query($q: SearchQueryInput!) { crossModalSearch(query: $q) { mode } }';
    const all = Array.from({ length: 16 }, (_, i) => ({ text: String(i) }));
    expect(cost(query, { q: { all } })).toBe(2 + 16 * (cost(query, { q: { text: 'x' } }) - 2));
  });

  it('is that of the operation that is named', () => {
    const two = `query A { items(first: 1) { nodes { id } } } query B ${aliased(300, 'classify(query: {text: "x"}) { probability }')}`;
    expect(cost(two, {}, 'A')).toBe(3);
    expect(cost(two, {}, 'B')).toBeGreaterThan(MAX_COST);
    expect(operationCost({ schema, document: parse(two) })).toBeNull();
  });

  it('is unknown with variables that the execution refuses', () => {
    const document = parse('query($n: Int!) { items(first: $n) { nodes { id } } }');
    expect(operationCost({ schema, document, variables: { n: 'many' } })).toBeNull();
    expect(operationCost({ schema, document })).toBeNull();
  });

  it('includes fragments, with the page around them', () => {
    const page = (first: number) => `items(first: ${first}) { ...A }`;
    const fragments = 'fragment A on ItemConnection { nodes { ...B } } fragment B on Item { id title }';
    expect(cost(`{ ${page(10)} } ${fragments}`)).toBe(2 + 20);
    expect(cost(`{ a: ${page(10)} b: ${page(100)} } ${fragments}`)).toBe(2 + 20 + 2 + 200);
  });

  it('is measured fast for fragments that double', () => {
    const doubling = Array.from(
      { length: 60 },
      (_, i) =>
        `fragment F${i} on Item { a: counterpartsConnection { totalCount } ...F${i + 1} ...F${i + 1} }`,
    );
    const document = parse(`{ item(id: "x") { ...F0 } } ${doubling.join(' ')} fragment F60 on Item { id }`);
    const start = performance.now();
    expect(operationCost({ schema, document })).toBeGreaterThan(MAX_COST);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it('leaves out what is skipped', () => {
    const query = 'query($all: Boolean!) { items { nodes { id } totalCount @include(if: $all) } }';
    expect(cost(query, { all: true }) - cost(query, { all: false })).toBe(51);
    expect(cost('{ items { nodes { id title @skip(if: true) } } }')).toBe(22);
  });

  it('includes explanations, facets once for a page, and duplicates', () => {
    const search = (first: number, fields: string) =>
      `crossModalSearch(query: {text: "x"}, first: ${first}, minScore: 0.1) { ${fields} }`;
    const explained = search(100, 'edges { explanation { similarity pairs { image { id } } } }');
    expect(cost(`{ ${explained} }`)).toBeLessThan(MAX_COST);
    expect(cost(aliased(4, explained))).toBeGreaterThan(MAX_COST);
    const facets = (classes: number) =>
      `facets(classes: ${classes}, metadataKeys: ["a"]) { total classes { class { name } count } metadata { key values { value count } } }`;
    expect(cost(`{ ${search(100, `nodes { id title } ${facets(100)}`)} }`)).toBeLessThan(MAX_COST);
    expect(cost(`{ ${facets(100)} }`) - cost(`{ ${facets(1)} }`)).toBe(99 * 3);
    expect(cost(aliased(40, facets(20)))).toBeGreaterThan(MAX_COST);
    const duplicates = 'duplicates(first: 50) { nodes { members { item { id title } } } }';
    expect(cost(`{ ${duplicates} }`)).toBeLessThan(MAX_COST);
    expect(cost(aliased(20, duplicates))).toBeGreaterThan(MAX_COST);
  });

  it('admits one full batch of ingest, and no three', () => {
    const items = Array.from({ length: 1000 }, (_, i) => ({ content: { text: String(i) } }));
    const batch =
      'ingest(input: {items: $items}) { created results { index status item { id } error { code message field } } }';
    const run = (count: number) => {
      const fields = Array.from({ length: count }, (_, i) => `a${i}: ${batch}`).join(' ');
      return cost(`mutation($items: [IngestItemInput!]!) { ${fields} }`, { items });
    };
    expect(run(1)).toBeLessThan(MAX_COST);
    expect(run(3)).toBeGreaterThan(MAX_COST);
  });

  it('is nothing for introspection', () => {
    expect(cost('{ __typename __schema { types { fields { name } } } }')).toBe(0);
  });
});

describe('the table of costs', () => {
  const types = Object.values(schema.getTypeMap()).filter(isObjectType);
  const fields = types
    .filter((type) => !isIntrospectionType(type))
    .flatMap((type) =>
      Object.values(type.getFields()).map((field) => ({ field, coordinate: coordinateOf(type, field.name) })),
    );

  it('has a length for every list', () => {
    const nothing = { classes: 1, metadataKeys: [], values: 1, ids: [], input: { items: [] } };
    const sized = new Set([
      ...Object.keys(LISTS),
      ...Object.values(LISTS_WITHIN).flatMap((sizes) => Object.keys(sizes(nothing))),
    ]);
    const paged = fields
      .filter(({ field }) => field.args.some(({ name }) => name === 'first'))
      .flatMap(({ field, coordinate }) => {
        const { name } = getNamedType(field.type);
        return isListType(getNullableType(field.type)) ? [coordinate] : [`${name}.edges`, `${name}.nodes`];
      });
    const lists = fields.filter(({ field }) => isListType(getNullableType(field.type)));
    const missing = lists.filter(({ coordinate }) => !sized.has(coordinate) && !paged.includes(coordinate));
    expect(missing.map(({ coordinate }) => coordinate)).toEqual([]);
  });

  it('names only fields of the schema', () => {
    const known = fields.map(({ coordinate }) => coordinate);
    for (const coordinate of [...Object.keys(WORK), ...Object.keys(LISTS), ...Object.keys(LISTS_WITHIN)]) {
      expect(known).toContain(coordinate);
    }
  });
});
