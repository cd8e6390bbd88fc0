import { once } from 'node:events';
import { connect } from 'node:net';
import { Writable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

/** Requests that no correct client sends. `npm run fuzz` has found each of them answered with an internal error. */

let app: TestApp;
let http: FastifyInstance;
let address: string;
const log: string[] = [];

beforeAll(async () => {
  app = await openTestApp();
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      log.push(String(chunk));
      done();
    },
  });
  const logger = pino({ level: 'error' }, stream);
  const limits = { stallMs: 300 };
  http = await createApp({ services: app, logger, apiKeys: [], loopback: true, limits });
  address = await listen(http, '127.0.0.1', 0);
});
afterAll(async () => {
  await http.close();
  await app.close();
  expect(app.unexpected).toEqual([]);
  expect(log).toEqual([]);
});

const STREAM = { accept: 'text/event-stream' };
/** JSON of `levels` objects around an empty one. */
const nested = (begin: string, end: string, levels: number) =>
  `${begin.repeat(levels)}{}${end.repeat(levels)}`;
const send = (payload: object, headers: Record<string, string> = {}) =>
  http.inject({ method: 'POST', url: '/graphql', headers, payload });

it.each(['0/16B3748', '', 'f'.repeat(17), "'; --", '0000000000000010, 0000000000000020'])(
  'a request with the position %j in the log of the database is the fault of the caller',
  async (position) => {
    const response = await send({ query: '{ __typename }' }, { 'x-commonspace-position': position });
    expect(response.statusCode).toBe(400);
    expect(response.json().errors[0].extensions).toEqual({
      code: 'BAD_INPUT',
      field: ['x-commonspace-position'],
    });
    const valid = await send({ query: '{ __typename }' }, { 'x-commonspace-position': '00000000016b3748' });
    // Without replicas there are no positions.
    expect(valid.statusCode).toBe(200);
    expect(valid.headers['x-commonspace-position']).toBeUndefined();
  },
);

it.each(['%00', "'; DROP TABLE item; --", '['])(
  'an operation for the host %j is the fault of the caller',
  async (host) => {
    const apiKeys = ['a-key-of-the-environment'];
    // Without keys, another host is refused before.
    const other = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys,
      loopback: true,
    });
    const headers = { host, authorization: `Bearer ${apiKeys[0]}` };
    const response = await other.inject({
      method: 'POST',
      url: '/graphql',
      headers,
      payload: { query: '{ __typename }' },
    });
    await other.close();
    expect([response.statusCode, response.json()]).toMatchObject([
      400,
      { error: { code: 'BAD_INPUT', field: ['host'] } },
    ]);
  },
);

describe('variables that nest deeply', () => {
  const query = 'query ($filter: ItemFilter) { items(filter: $filter) { nodes { id } } }';
  const withFilter = (filter: string, headers = {}) =>
    http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { 'content-type': 'application/json', ...headers },
      payload: `{"query":${JSON.stringify(query)},"variables":{"filter":${filter}}}`,
    });

  it.each([{}, STREAM])('are refused as a whole with %j', async (headers) => {
    const { body } = await withFilter(nested('{"and":[', ']}', 20_000), headers);
    expect(body).toContain('"code":"BAD_INPUT","field":["variables"]');
  });

  it('may be a filter of as many terms as a filter may have', async () => {
    expect((await withFilter(nested('{"not":', '}', 98))).json()).toEqual({
      data: { items: { nodes: [] } },
      extensions: expect.anything(),
    });
  });

  it('of metadata fail the item', async () => {
    const [at, above] = [99, 100].map((levels) => ({
      content: { text: `a text with ${levels}` },
      metadata: JSON.parse(nested('{"a":', '}', levels)),
    }));
    const { data } = (
      await send({
        query:
          'mutation ($items: [IngestItemInput!]!) { ingest(input: {items: $items}) { results { status error { code field } } } }',
        variables: { items: [at, above] },
      })
    ).json();
    expect(data.ingest.results).toEqual([
      { status: 'CREATED', error: null },
      { status: 'FAILED', error: { code: 'BAD_INPUT', field: ['input', 'items', '1', 'metadata'] } },
    ]);
  });
});

it('more errors in variables than GraphQL lists are the fault of the caller', async () => {
  const response = await send({
    query: 'query ($ids: [ID!]!) { nodes(ids: $ids) { id } }',
    variables: { ids: Array.from({ length: 100 }, () => ({})) },
  });
  const codes = response
    .json()
    .errors.map((error: { extensions: { code: string } }) => error.extensions.code);
  expect(new Set(codes)).toEqual(new Set(['BAD_USER_INPUT']));
});

it.each(['0000-01-01T00:00:00Z', '0001-01-01T00:00:00+01:00', '9999-12-31T23:59:59-01:00'])(
  'the time %s, which the database cannot have, is the fault of the caller',
  async (after) => {
    const filtered = (value: string) => `items(filter: {createdAfter: ${value}}) { nodes { id } }`;
    const literal = await send({ query: `{ ${filtered(`"${after}"`)} }` });
    expect(literal.json().errors).toMatchObject([{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }]);
    const query = `query ($after: DateTime) { ${filtered('$after')} }`;
    const variable = await send({ query, variables: { after } });
    expect(variable.json().errors).toMatchObject([{ extensions: { code: 'BAD_USER_INPUT' } }]);
  },
);

it('the hash of a persisted query that is not that of the query is the fault of the caller', async () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: 'a' } };
  expect((await send({ query: '{ __typename }', extensions })).json()).toMatchObject({
    errors: [{ extensions: { code: 'BAD_USER_INPUT' } }],
  });
});

describe('a subscription', () => {
  it.each([
    'subscription { encoderProgress(id: "x") @skip(if: null) { id } }',
    'subscription { encoderProgress(id: "x") @skip(if: true) { id } }',
    'subscription { ... @include(if: false) { encoderProgress(id: "x") { id } } }',
    'subscription { ...A } fragment A on Subscription { encoderProgress(id: "x") @include(if: true) { id } }',
  ])('%s has a condition on its root field', async (query) => {
    for (const headers of [{}, STREAM]) {
      expect((await send({ query }, headers)).body).toContain('GRAPHQL_VALIDATION_FAILED');
    }
  });
});

describe('as a stream', () => {
  it('a document that nests too deeply for the parser is refused with a code', async () => {
    const query = `{ items(filter: {and: ${'['.repeat(3_900)}`;
    expect((await send({ query }, STREAM)).body).toContain('GRAPHQL_PARSE_FAILED');
  });

  it.each([{}, { query: 7 }, { query: '{ __typename }', operationName: 'Missing' }])(
    '%j is refused with a code',
    async (payload) => {
      const response = await send(payload, STREAM);
      expect(response.statusCode).toBe(400);
      expect(response.json()).toMatchObject({ errors: [{ extensions: { code: 'BAD_REQUEST' } }] });
    },
  );
});

describe('an upload', () => {
  const upload = (payload: Buffer, type: string) =>
    http.inject({ method: 'POST', url: '/media', headers: { 'content-type': type }, payload });

  it('as a form that is cut short, or without a boundary, is BAD_INPUT', async () => {
    const head = '--x\r\ncontent-disposition: form-data; name="file"; filename="a.png"\r\n\r\n';
    const form = Buffer.concat([Buffer.from(head), await drawShape('ring', 'red')]);
    for (const [payload, type] of [
      [form, 'multipart/form-data; boundary=x'],
      [form.subarray(0, head.length - 2), 'multipart/form-data; boundary=x'],
      [form, 'multipart/form-data'],
      // A large part without a name, after which the parser waits.
      [
        Buffer.from(`--x\r\nx: y\r\n\r\n${'\0'.repeat(100_000)}\r\n--x--\r\n`),
        'multipart/form-data; boundary=x',
      ],
    ] as const) {
      const response = await upload(payload, type);
      expect(response.statusCode, response.body).toBe(400);
      expect(response.json()).toMatchObject({ error: { code: 'BAD_INPUT', field: ['file'] } });
    }
  });

  it('as a whole form that the parser never ends is refused without a wait for more of it', async () => {
    const limits = { stallMs: 3_600_000 };
    const other = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
      limits,
    });
    try {
      const response = await fetch(`${await listen(other, '127.0.0.1', 0)}/media`, {
        method: 'POST',
        headers: { 'content-type': 'multipart/form-data; boundary=x' },
        body: `--x\r\n${'X: y\r\n'.repeat(100_000)}\r\n--x--\r\n`,
      });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ error: { code: 'BAD_INPUT', field: ['file'] } });
    } finally {
      await other.close();
    }
  });

  it('or an answer that is cut by its client is no unexpected error', async () => {
    for (const path of ['/media', '/graphql']) {
      const socket = connect(Number(new URL(address).port), '127.0.0.1');
      const type = path === '/media' ? 'image/png' : 'application/json';
      const answered = new Promise((resolve) =>
        http.server.once('request', (_request, response) => response.once('close', resolve)),
      );
      socket.write(
        `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: ${type}\r\ncontent-length: 9\r\n\r\nabc`,
      );
      await once(http.server, 'request');
      socket.destroy();
      await answered;
    }
    const gone = new AbortController();
    const started = once(http.server, 'request');
    const stream = fetch(`${address}/graphql`, {
      method: 'POST',
      headers: { ...STREAM, 'content-type': 'application/json' },
      body: '{"query":"{ classes { totalCount } items { totalCount } }"}',
      signal: gone.signal,
    });
    const [, response] = await started;
    const closed = once(response, 'close');
    gone.abort();
    await expect(stream).rejects.toThrow();
    await closed;
  });
});
