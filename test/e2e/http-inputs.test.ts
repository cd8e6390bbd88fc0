import { readFile } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { buildSchema, isInputObjectType, isObjectType } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor, fingerprint } from '../../src/domain/cursor.js';
import { createApp } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';

let app: TestApp;
let http: FastifyInstance;
beforeAll(async () => {
  app = await openTestApp();
  const logger = pino({ level: 'silent' });
  http = await createApp({ services: app, logger, apiKeys: [], loopback: false });
  await app.classes.create('circle', null);
  await app.ingest.ingest([{ content: { text: 'a red circle' }, externalId: 'red', classes: ['circle'] }]);
});
afterAll(async () => {
  await http.close();
  await app.close();
});

interface Answer {
  readonly data?: unknown;
  readonly errors?: readonly { readonly message: string; readonly extensions: object }[];
}

async function ask(query: string, variables: object = {}): Promise<Answer> {
  const response = await http.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json();
}

describe('an explicit null', () => {
  const NO_ID = '00000000-0000-7000-8000-000000000000';
  const encoder = 'encoder { id } errors { code field }';
  /** For every argument and input field with a default: its GraphQL type, and an operation that gives it. */
  const OPERATIONS: Readonly<Record<string, readonly [string, (value: string) => string]>> = {
    'Query.items.first': ['Int', (value) => `items(first: ${value}) { totalCount nodes { id } }`],
    'Query.crossModalSearch.by': [
      '[Evidence!]',
      (value) => `crossModalSearch(query: {text: "red"}, by: ${value}) { mode nodes { id } }`,
    ],
    'Query.crossModalSearch.first': [
      'Int',
      (value) => `crossModalSearch(query: {text: "red"}, first: ${value}) { mode nodes { id } }`,
    ],
    'Query.crossModalSearch.cutOff': [
      'CutOff',
      (value) => `crossModalSearch(query: {text: "red"}, cutOff: ${value}) { mode nodes { id } }`,
    ],
    'Query.classes.first': ['Int', (value) => `classes(first: ${value}) { totalCount nodes { id } }`],
    'Query.classify.first': [
      'Int',
      (value) => `classify(query: {text: "red"}, first: ${value}) { probability }`,
    ],
    'Query.encoders.first': ['Int', (value) => `encoders(first: ${value}) { totalCount nodes { id } }`],
    'Mutation.activateEncoder.force': [
      'Boolean',
      (value) => `activateEncoder(id: "${NO_ID}", force: ${value}) { ${encoder} }`,
    ],
    'Mutation.evaluateEncoder.paper': [
      'Boolean',
      (value) => `evaluateEncoder(id: "${NO_ID}", paper: ${value}) { errors { code field } }`,
    ],
    ...Object.fromEntries(
      Object.entries({
        preset: 'TrainingPreset',
        seed: 'Int',
        unseenClasses: '[String!]',
        holdout: 'Float',
        activate: 'Boolean',
      }).map(([field, type]) => [
        `TrainEncoderInput.${field}`,
        [type, (value: string) => `trainEncoder(input: {${field}: ${value}}) { ${encoder} }`] as const,
      ]),
    ),
  };

  it('has an operation here for every argument with a default', async () => {
    const schema = buildSchema(await readFile(new URL('../../schema.graphql', import.meta.url), 'utf8'));
    const found: string[] = [];
    for (const type of Object.values(schema.getTypeMap())) {
      if (type.name.startsWith('__')) continue;
      if (isInputObjectType(type)) {
        for (const field of Object.values(type.getFields()))
          if (field.defaultValue !== undefined) found.push(`${type.name}.${field.name}`);
      }
      if (isObjectType(type)) {
        for (const field of Object.values(type.getFields()))
          for (const arg of field.args)
            if (arg.defaultValue !== undefined) found.push(`${type.name}.${field.name}.${arg.name}`);
      }
    }
    expect(Object.keys(OPERATIONS).sort()).toEqual(found.sort());
  });

  it.each(Object.keys(OPERATIONS))('means the default of %s', async (name) => {
    const [type, operation] = OPERATIONS[name] ?? [];
    if (type === undefined || operation === undefined) throw new Error(name);
    const kind = /mutation|Input/i.test(name) ? 'mutation' : 'query';
    const omitted = await ask(`${kind} ($value: ${type}) { ${operation('$value')} }`);
    expect(JSON.stringify(omitted)).not.toContain('INTERNAL');
    expect(await ask(`${kind} ($value: ${type}) { ${operation('$value')} }`, { value: null })).toEqual(
      omitted,
    );
    expect(strip(await ask(`${kind} { ${operation('null')} }`))).toEqual(strip(omitted));
  });

  /** Without positions in the document, which differ. */
  function strip({ data, errors }: Answer): object {
    return { data, errors: errors?.map(({ message, extensions }) => ({ message, extensions })) };
  }

  it('is BAD_INPUT for a value that has no default, and names the argument', async () => {
    const answer = await ask(
      'query ($text: String = "red") { crossModalSearch(query: {text: $text}) { nodes { id } } }',
      { text: null },
    );
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_INPUT', field: ['query'] } }]);
  });
});

describe.each([
  ['a NUL', 'a\u0000b'],
  ['half a surrogate pair', 'a\ud800b'],
])('%s in a string', (_name, bad) => {
  const items = (item: object) => ({ items: [{ content: { text: 'x' }, ...item }] });
  const INGEST =
    'mutation ($input: IngestInput!) { ingest(input: $input) { results { error { code field } } } }';
  const CREATE =
    'mutation ($name: String!, $description: String) { createClass(name: $name, description: $description) { errors { code field } } }';
  const TRAIN =
    'mutation ($input: TrainEncoderInput!) { trainEncoder(input: $input) { errors { code field } } }';
  const LIST = 'query ($filter: ItemFilter) { items(filter: $filter) { totalCount } }';
  const SEARCH =
    'query ($query: SearchQueryInput!, $filter: ItemFilter) { crossModalSearch(query: $query, filter: $filter) { nodes { id } } }';
  const text = { text: 'x' };

  it.each<[string, string, object, readonly string[]]>([
    [
      'item(externalId:)',
      'query ($key: String) { item(externalId: $key) { id } }',
      { key: bad },
      ['externalId'],
    ],
    [
      'classes(search:)',
      'query ($search: String) { classes(search: $search) { totalCount } }',
      { search: bad },
      ['search'],
    ],
    [
      'classify(among:)',
      'query ($among: [String!]) { classify(query: {text: "x"}, among: $among) { probability } }',
      { among: ['circle', bad] },
      ['among', '1'],
    ],
    ['a query by text', SEARCH, { query: { text: bad } }, ['query', 'text']],
    ['a query by class', SEARCH, { query: { className: bad } }, ['query', 'className']],
    ['a filter by class', LIST, { filter: { classNames: ['circle', bad] } }, ['filter', 'classNames', '1']],
    ['a filter by metadata', LIST, { filter: { metadata: { a: [bad] } } }, ['filter', 'metadata']],
    ['a filter by a key of metadata', LIST, { filter: { metadata: { [bad]: 1 } } }, ['filter', 'metadata']],
    [
      'a nested filter by class',
      SEARCH,
      { query: text, filter: { and: [{ modality: 'TEXT' }, { not: { classNames: [bad] } }] } },
      ['filter', 'and', '1', 'not', 'classNames', '0'],
    ],
    [
      'a nested filter by metadata',
      SEARCH,
      { query: text, filter: { or: [{ metadata: { a: bad } }] } },
      ['filter', 'or', '0', 'metadata'],
    ],
    ['createClass(name:)', CREATE, { name: bad }, ['name']],
    ['createClass(description:)', CREATE, { name: 'new', description: bad }, ['description']],
    [
      'a text to ingest',
      INGEST,
      { input: items({ content: { text: bad } }) },
      ['input', 'items', '0', 'content', 'text'],
    ],
    ['externalId', INGEST, { input: items({ externalId: bad }) }, ['input', 'items', '0', 'externalId']],
    ['title', INGEST, { input: items({ title: bad }) }, ['input', 'items', '0', 'title']],
    ['pairKey', INGEST, { input: items({ pairKey: bad }) }, ['input', 'items', '0', 'pairKey']],
    [
      'classes of an item',
      INGEST,
      { input: items({ classes: ['circle', bad] }) },
      ['input', 'items', '0', 'classes', '1'],
    ],
    [
      'metadata',
      INGEST,
      { input: items({ metadata: { a: { b: bad } } }) },
      ['input', 'items', '0', 'metadata'],
    ],
    ['unseenClasses', TRAIN, { input: { unseenClasses: [bad] } }, ['input', 'unseenClasses', '0']],
    [
      'learnFrom',
      TRAIN,
      { input: { learnFrom: { classNames: [bad] } } },
      ['input', 'learnFrom', 'classNames', '0'],
    ],
    ['imageExtractor', TRAIN, { input: { imageExtractor: bad } }, ['input', 'imageExtractor']],
  ])('is BAD_INPUT in %s', async (_where, query, variables, field) => {
    const answer = await ask(query, variables);
    expect(failures(answer)).toEqual([{ code: 'BAD_INPUT', field }]);
    expect(app.unexpected).toEqual([]);
  });

  /** What failed, whether it is an error of the operation or part of its result. */
  function failures({ data, errors }: Answer): unknown[] {
    if (errors !== undefined) return errors.map(({ extensions }) => extensions);
    const [payload] = Object.values(
      data as Record<string, { errors?: object[]; results?: { error: object }[] }>,
    );
    return payload?.results?.map(({ error }) => error) ?? payload?.errors ?? [];
  }

  it('finds no item, class, encoder or media where an id is wanted', async () => {
    const answer = await ask(
      `query ($id: ID!) { node(id: $id) { id } item(id: $id) { id } encoder(id: $id) { id } evaluation(id: $id) { state } }`,
      { id: bad },
    );
    expect(answer).toEqual({ data: { node: null, item: null, encoder: null, evaluation: null } });
    const media = await http.inject({ url: `/media/${encodeURIComponent(bad.toWellFormed())}` });
    expect([media.statusCode, media.json()]).toMatchObject([404, { error: { code: 'MEDIA_NOT_FOUND' } }]);
  });

  it('is BAD_CURSOR in a cursor', async () => {
    const print = fingerprint({ classes: null, seen: null });
    const after = encodeCursor(print, Buffer.from('a\u0000b').toString('base64url'));
    const answer = await ask('query ($after: String) { classes(after: $after) { totalCount } }', { after });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_CURSOR', field: ['after'] } }]);
  });
});
