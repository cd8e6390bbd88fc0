import { readFileSync } from 'node:fs';
import { buildSchema, getNamedType, isListType, isNonNullType } from 'graphql';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeCursor, fingerprint } from '../../src/domain/cursor.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import {
  type InputPlace,
  inputPlaces,
  nameOf,
  type Operation,
  operationWith,
  type Samples,
} from '../support/schema-inputs.js';
import { SERVED_KIND, type Served, serveApp } from '../support/served-app.js';

const NO_ID = '00000000-0000-7000-8000-000000000000';
const SAMPLES: Samples = {
  ID: NO_ID,
  String: 'circle',
  Int: 3,
  Float: 0.5,
  JSONObject: {},
  SearchQueryInput: { text: 'red' },
  ItemContentInput: { text: 'x' },
  ItemOrderField: 'CREATED_AT',
  TrainEncoderInput: {},
};

const schema = buildSchema(readFileSync(new URL('../../schema.graphql', import.meta.url), 'utf8'));
const places = inputPlaces(schema, SAMPLES);

let app: TestApp;
let http: Served;
/** Ids of stored nodes, by type. */
const nodes: Record<string, string> = {};
const ofNode = (type: string) => (field: string) =>
  `node(id: "${nodes[type]}") { ... on ${type} { ${field} } }`;
const PARENTS = {
  Class: ofNode('Class'),
  ImageItem: ofNode('ImageItem'),
  TextItem: ofNode('TextItem'),
  Job: (field: string) => `job(id: "${nodes.Job}") { ${field} }`,
  SearchConnection: (field: string) => `crossModalSearch(query: { text: "red" }, minScore: 0) { ${field} }`,
};

beforeAll(async () => {
  app = await openTestApp(SERVED_KIND);
  http = await serveApp(app);
  nodes.Class = (await app.classes.create('circle', null)).id;
  // No runner is started, so the job stays in the queue.
  await app.jobs.beginUnlessSince({ name: 'SWEEP' }, { features: false }, 0);
  nodes.Job = (await app.catalog.jobList.page({ states: null, kinds: null }, null, 1))[0]?.id ?? '';
  const outcomes = await app.ingest.ingest([
    { content: { text: 'a red circle' }, externalId: 'red', classes: ['circle'], pairKey: 'red' },
    { content: { bytes: await drawShape('circle', 'red') }, pairKey: 'red' },
  ]);
  for (const outcome of outcomes) {
    if (outcome.status === 'FAILED') throw new Error(outcome.error.message);
    nodes[outcome.item.modality === 'TEXT' ? 'TextItem' : 'ImageItem'] = outcome.item.id;
  }
});
afterAll(async () => {
  expect(app.unexpected).toEqual([]);
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

/** The answer to an operation; the first event of a subscription. */
async function run({ query, variables }: Operation): Promise<Answer> {
  if (!query.startsWith('subscription')) return await ask(query, variables);
  const response = await http.inject({
    method: 'POST',
    url: '/graphql',
    headers: { accept: 'text/event-stream' },
    payload: { query, variables },
    payloadAsStream: true,
  });
  let received = '';
  // A subscription need not end by itself; leaving the loop ends it.
  for await (const chunk of response.stream()) {
    received += String(chunk);
    const event = /^data: (.+)\n/m.exec(received)?.[1];
    if (event !== undefined) return JSON.parse(event);
  }
  return {};
}

const operation = (place: InputPlace, value: unknown, literal?: string) =>
  operationWith(schema, place, value, {
    samples: SAMPLES,
    parents: PARENTS,
    ...(literal !== undefined && { literal }),
  });

describe('an explicit null', () => {
  const nullable = places.filter(({ valueType }) => !isNonNullType(valueType));

  it('is tried in every nullable argument and input field', () => {
    expect(nullable.length).toBeGreaterThan(80);
  });

  it.each(nullable.map((place) => [nameOf(place), place] as const))(
    'in %s is no unexpected error',
    async (_name, place) => {
      const answer = await run(operation(place, place.argumentWith(null)));
      expect(JSON.stringify(answer.errors ?? [])).not.toContain('INTERNAL');
      expect(app.unexpected).toEqual([]);
    },
  );

  const withDefault = nullable.filter(({ defaultValue }) => defaultValue !== undefined);
  it.each(withDefault.map((place) => [nameOf(place), place] as const))(
    'in %s means the default',
    async (_name, place) => {
      const { path, argumentWith } = place;
      const omitted = await run(operation(place, path.length === 1 ? undefined : argumentWith(undefined)));
      expect(strip(await run(operation(place, argumentWith(null))))).toEqual(strip(omitted));
      if (path.length > 1) return;
      expect(strip(await run(operation(place, null, 'null')))).toEqual(strip(omitted));
    },
  );

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
  const strings = places.filter(({ valueType }) =>
    ['String', 'ID', 'JSONObject'].includes(getNamedType(valueType).name),
  );

  it('is tried in every string', () => {
    expect(strings.length).toBeGreaterThan(50);
  });

  it.each(strings.map((place) => [nameOf(place), place] as const))(
    'is BAD_INPUT in %s',
    async (_where, place) => {
      const { valueType, path } = place;
      const isList = isListType(isNonNullType(valueType) ? valueType.ofType : valueType);
      const values = getNamedType(valueType).name === 'JSONObject' ? [{ a: [bad] }, { [bad]: 1 }] : [bad];
      for (const value of values) {
        const answer = await run(operation(place, place.argumentWith(isList ? [value] : value)));
        const [failure, ...others] = failures(answer);
        expect([failure?.code, others]).toEqual(['BAD_INPUT', []]);
        const expected = isList ? [...path, '0'] : path;
        expect(failure?.field.slice(0, expected.length)).toEqual(expected);
      }
      expect(app.unexpected).toEqual([]);
    },
  );

  interface Failure {
    readonly code: string;
    readonly field: readonly string[];
  }

  /** What failed, whether it is an error of the operation or part of its result. */
  function failures({ data, errors }: Answer): Failure[] {
    if (errors !== undefined) return errors.map(({ extensions }) => extensions as Failure);
    const [payload] = Object.values(
      data as Record<string, { errors?: Failure[]; results?: { error: Failure }[] }>,
    );
    return payload?.results?.map(({ error }) => error) ?? payload?.errors ?? [];
  }

  it('finds no media', async () => {
    const media = await http.inject({ url: `/media/${encodeURIComponent(bad.toWellFormed())}` });
    expect([media.statusCode, media.json()]).toMatchObject([404, { error: { code: 'MEDIA_NOT_FOUND' } }]);
  });

  it('is BAD_CURSOR within a cursor', async () => {
    const print = fingerprint({ classes: null, seen: null });
    const after = encodeCursor(print, Buffer.from('a\u0000b').toString('base64url'));
    const answer = await ask('query ($after: String) { classes(after: $after) { totalCount } }', { after });
    expect(answer.errors).toMatchObject([{ extensions: { code: 'BAD_CURSOR', field: ['after'] } }]);
  });
});
