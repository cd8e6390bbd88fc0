import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance, InjectOptions } from 'fastify';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type AppOptions, createApp } from '../../src/http/app.js';
import { readPageDocuments } from '../../src/http/page-documents.js';
import { readTrustedDocuments } from '../../src/http/trusted-documents.js';
import { openTestApp, type TestApp } from '../support/app.js';

const KEY = 'a-key-of-enough-length';
const SHOP = 'https://shop.example';
const COUNT = '{ items { totalCount } }';

let app: TestApp;
let http: FastifyInstance;
beforeAll(async () => {
  app = await openTestApp();
});
afterEach(() => http.close());
afterAll(() => app.close());

async function open(options: Partial<AppOptions>): Promise<void> {
  http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [KEY],
    loopback: true,
    ...options,
  });
}

const post = (payload: object, headers: Record<string, string> = {}) =>
  http.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${KEY}`, ...headers },
    payload,
  });
const preflight = (origin: string): InjectOptions => ({
  method: 'OPTIONS',
  url: '/graphql',
  headers: {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type',
  },
});

describe('pages of other origins', () => {
  const crossSite = (origin: string) => ({ origin, 'sec-fetch-site': 'cross-site' });

  it('may send requests with a key if their origin is configured', async () => {
    await open({ corsOrigins: [SHOP] });
    const asked = await http.inject(preflight(SHOP));
    expect(asked.statusCode).toBe(204);
    expect(asked.headers['access-control-allow-origin']).toBe(SHOP);
    expect(asked.headers['access-control-allow-headers']).toContain('authorization');
    expect(asked.headers['access-control-allow-headers']).toContain('x-commonspace-position');
    expect(asked.headers['access-control-allow-credentials']).toBeUndefined();
    const answer = await post({ query: COUNT }, crossSite(SHOP));
    expect(answer.json().data).toEqual({ items: { totalCount: 0 } });
    expect(answer.headers['access-control-allow-origin']).toBe(SHOP);
    expect(answer.headers['access-control-expose-headers']).toContain('x-commonspace-position');
    const without = await post({ query: COUNT }, { ...crossSite(SHOP), authorization: '' });
    expect(without.statusCode).toBe(401);
  });

  it('may not if it is another, or none is configured', async () => {
    for (const corsOrigins of [[SHOP], []]) {
      await open({ corsOrigins });
      const asked = await http.inject(preflight('https://evil.example'));
      expect(asked.headers['access-control-allow-origin']).not.toBe('https://evil.example');
      const answer = await post({ query: COUNT }, crossSite('https://evil.example'));
      expect(answer.statusCode).toBe(403);
      if (corsOrigins.length > 0) await http.close();
    }
  });
});

describe('introspection', () => {
  const SCHEMA = '{ __schema { queryType { name } } }';

  it('can be switched off', async () => {
    await open({ introspection: false });
    expect((await post({ query: SCHEMA })).json().errors[0].extensions.code).toBe(
      'GRAPHQL_VALIDATION_FAILED',
    );
    const streamed = await post({ query: SCHEMA }, { accept: 'text/event-stream' });
    expect(streamed.body).toContain('GRAPHQL_VALIDATION_FAILED');
    const schema = await http.inject({ url: '/schema.graphql', headers: { authorization: `Bearer ${KEY}` } });
    expect(schema.statusCode).toBe(404);
    expect((await post({ query: '{ __typename }' })).json().data).toEqual({ __typename: 'Query' });
  });

  it('is on otherwise', async () => {
    await open({});
    expect((await post({ query: SCHEMA })).json().data.__schema.queryType.name).toBe('Query');
    const streamed = await post({ query: SCHEMA }, { accept: 'text/event-stream' });
    expect(streamed.body).toContain('"name":"Query"');
  });
});

describe('trusted documents', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-documents-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('are run by their id, and nothing else is', async () => {
    const file = join(folder, 'documents.json');
    await writeFile(
      file,
      JSON.stringify({ count: COUNT, page: 'query ($n: Int!) { items(first: $n) { nodes { id } } }' }),
    );
    await open({ trustedDocuments: await readTrustedDocuments(file) });
    expect((await post({ documentId: 'count' })).json().data).toEqual({ items: { totalCount: 0 } });
    expect((await post({ documentId: 'page', variables: { n: 2 } })).json().data).toEqual({
      items: { nodes: [] },
    });
    // The text of a request does not count.
    expect((await post({ documentId: 'count', query: '{ __typename }' })).json().data).toHaveProperty(
      'items',
    );
    expect((await post({ documentId: 'count' }, { accept: 'text/event-stream' })).body).toContain(
      '"totalCount":0',
    );
    const got = await http.inject({
      url: '/graphql?documentId=count',
      headers: { authorization: `Bearer ${KEY}`, 'apollo-require-preflight': 'true' },
    });
    expect(got.json().data).toEqual({ items: { totalCount: 0 } });
    for (const payload of [{ query: COUNT }, { documentId: 'other' }, { documentId: 'toString' }, {}]) {
      const refused = await post(payload);
      expect(refused.statusCode).toBe(403);
      expect(refused.json().error).toMatchObject({ code: 'UNTRUSTED_DOCUMENT', field: ['documentId'] });
    }
  });

  it('include the operations of the page, by their text or its hash', async () => {
    const page = await readPageDocuments();
    expect(page.size).toBeGreaterThan(40);
    await open({ trustedDocuments: new Map([['count', COUNT]]) });
    const codeOf = async (payload: object) => (await post(payload)).json().error?.code;
    for (const [hash, text] of page) {
      expect(await codeOf({ query: text })).not.toBe('UNTRUSTED_DOCUMENT');
      expect(await codeOf({ documentId: hash })).not.toBe('UNTRUSTED_DOCUMENT');
      expect(await codeOf({ query: `${text} ` })).toBe('UNTRUSTED_DOCUMENT');
      expect(await codeOf({ documentId: 'other', query: text })).toBe('UNTRUSTED_DOCUMENT');
    }
    const list = [...page.values()].find((text) => text.includes('query ClassList'));
    const found = await post({ query: list, variables: { first: 1 } });
    expect(found.json().data.classes.totalCount).toBe(0);
  });

  it.each([
    { name: 'missing', content: null },
    { name: 'no-json', content: 'query {' },
    { name: 'a-list', content: '["{ __typename }"]' },
    { name: 'a-number', content: '{"a": 1}' },
  ])('of a wrong file are refused: $name', async ({ name, content }) => {
    await open({});
    const file = join(folder, `${name}.json`);
    if (content !== null) await writeFile(file, content);
    await expect(readTrustedDocuments(file)).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  });
});
