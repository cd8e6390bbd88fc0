import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

const HOST = 'localhost:4000';
const QUERY = '/graphql?query=%7B__typename%7D';
const OTHER = 'https://evil.example';

let app: TestApp;
let http: FastifyInstance;
let png: Buffer;

beforeAll(async () => {
  app = await openTestApp();
  http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
  });
  png = await drawShape('ring', 'black', 18);
});
afterAll(async () => {
  await http.close();
  await app.close();
});

type Headers = Readonly<Record<string, string>>;

/** What a form of a page sends: a multipart body. */
async function upload(headers: Headers): Promise<number> {
  const form = new FormData();
  form.append('file', new Blob([new Uint8Array(png)], { type: 'image/png' }), 'ring.png');
  const { body, headers: made } = new Request('http://x', { method: 'POST', body: form });
  const { statusCode } = await http.inject({
    method: 'POST',
    url: '/media',
    headers: { host: HOST, 'content-type': made.get('content-type') ?? '', ...headers },
    payload: Buffer.from(await new Response(body).arrayBuffer()),
  });
  return statusCode;
}

async function get(url: string, headers: Headers) {
  return await http.inject({ url, headers: { host: HOST, ...headers } });
}

async function post(headers: Headers, payload = '{"query": "{ __typename }"}') {
  return await http.inject({ method: 'POST', url: '/graphql', headers: { host: HOST, ...headers }, payload });
}

const STREAM = { accept: 'text/event-stream' };
const JSON_TYPE = { 'content-type': 'application/json' };

/** How browsers mark a request that a page of another site, or of another port, sends. */
const CROSS_SITE: readonly Headers[] = [
  { 'sec-fetch-site': 'cross-site' },
  { 'sec-fetch-site': 'same-site' },
  { 'sec-fetch-site': 'cross-site', origin: OTHER, 'apollo-require-preflight': '1' },
  { origin: OTHER },
  { origin: 'null' },
  { origin: 'http://localhost:5000' },
];

describe('requests of pages of other sites', () => {
  it.each(CROSS_SITE)('are refused with %j', async (headers) => {
    expect(await upload(headers)).toBe(403);
    for (const answer of [
      await get(QUERY, headers),
      await get(QUERY, { ...STREAM, ...headers }),
      await post({ ...JSON_TYPE, ...headers }),
      await post({ ...JSON_TYPE, ...STREAM, ...headers }),
    ]) {
      expect(answer.statusCode).toBe(403);
      expect(answer.json()).toMatchObject({ error: { code: 'CROSS_SITE_REQUEST' } });
    }
  });

  it('store nothing', async () => {
    await upload({ origin: OTHER });
    const { id } = (await http
      .inject({ method: 'POST', url: '/media', headers: { 'content-type': 'image/png' }, payload: png })
      .then((answer) => answer.json())) as { id: string };
    await app.store.remove(id);
    await upload({ origin: OTHER });
    expect(await app.store.has(id)).toBe(false);
  });

  it('are refused from browsers that send neither header, where a page can send an operation', async () => {
    for (const answer of [
      await get(QUERY, {}),
      await get(QUERY, STREAM),
      await get(QUERY, { ...STREAM, 'sec-fetch-site': 'none' }),
      await get('/graphql?extensions=%7B%22persistedQuery%22%3A1%7D', STREAM),
      await post({ 'content-type': 'text/plain' }),
      await post({ ...STREAM, 'content-type': 'text/plain; application/json' }),
    ]) {
      expect(answer.statusCode).toBe(400);
      expect(answer.json()).toMatchObject({ error: { code: 'BAD_INPUT', field: ['content-type'] } });
    }
  });
});

describe('requests of others', () => {
  it.each<Headers>([
    {},
    { 'sec-fetch-site': 'same-origin', origin: `http://${HOST}` },
    { 'sec-fetch-site': 'none' },
    { origin: `https://${HOST}` },
  ])('upload and ask with %j', async (headers) => {
    expect(await upload(headers)).toBe(201);
    expect((await post({ ...JSON_TYPE, ...headers })).statusCode).toBe(200);
    expect((await post({ ...JSON_TYPE, ...STREAM, ...headers })).body).toContain('"__typename":"Query"');
  });

  it('of a page of this server, an EventSource needs no header', async () => {
    const answer = await get(QUERY, { ...STREAM, 'sec-fetch-site': 'same-origin' });
    expect(answer.body).toContain('"__typename":"Query"');
  });

  it('open pages and pictures from links of other sites', async () => {
    const headers = { 'sec-fetch-site': 'cross-site', accept: 'text/html' };
    for (const url of ['/', '/graphql', '/schema.graphql', '/healthz']) {
      expect((await get(url, headers)).statusCode, url).toBe(200);
    }
  });
});
