import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { parse } from 'graphql';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { pictureFile } from '../../src/client/files.js';
import { type Client, createClient, gql, type TypedDocument } from '../../src/client/index.js';
import { createApp, listen } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

const KEY = 'a-key-of-enough-length';

let app: TestApp;
let http: FastifyInstance;
let url: string;
let client: Client;
let folder: string;
const servers: Server[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-client-'));
  app = await openTestApp();
  await ingestShapes(app);
  http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [KEY],
    loopback: true,
  });
  url = await listen(http, '127.0.0.1', 0);
  client = createClient({ url, key: KEY });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await http.close();
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

/** A server of this test, for answers that the real one gives only in an outage. */
async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe('ready-made calls', () => {
  it('ingest, list, search and delete', async () => {
    const bytes = await drawShape('ring', 'black', 17);
    const file = join(folder, 'ring.png');
    await writeFile(file, bytes);
    const fromFile = await client.upload(pictureFile(file));
    const fromBlob = await client.upload(new Blob([new Uint8Array(bytes)]));
    expect(fromFile).toMatchObject({ id: fromBlob.id, bytes: bytes.length, mediaType: 'image/png' });

    const stored = await client.ingest([
      { content: { mediaId: fromFile.id }, externalId: 'ring', pairKey: 'ring', classes: ['ring'] },
      { content: { text: 'a unique wobbly annulus' }, externalId: 'ring#text', pairKey: 'ring' },
      { content: { text: '' }, externalId: 'empty' },
    ]);
    expect(stored).toMatchObject({ created: 2, failed: 1 });
    expect(stored.results[2]).toMatchObject({ status: 'FAILED', error: { code: 'EMPTY_TEXT' } });

    const page = await client.search({ query: { text: 'wobbly annulus' }, target: 'IMAGE', first: 1 });
    const [edge] = page.edges;
    expect(edge).toMatchObject({ rank: 1, node: { __typename: 'ImageItem', externalId: 'ring' } });
    if (edge?.node.__typename !== 'ImageItem') throw new Error('not an image');
    const picture = await fetch(client.address(edge.node.thumbnail), {
      headers: { authorization: `Bearer ${KEY}` },
    });
    expect(picture.headers.get('content-type')).toBe('image/webp');

    expect(await client.item({ externalId: 'ring#text' })).toMatchObject({ text: 'a unique wobbly annulus' });
    const ids = stored.results.flatMap(({ item }) => (item === null ? [] : [item.id]));
    expect(await client.deleteItems(ids)).toMatchObject({ deletedIds: ids, errors: [] });
    expect(await client.item({ externalId: 'ring' })).toBeNull();
  });

  it('iterate over the pages of a connection', async () => {
    const titles: string[] = [];
    let pages = 0;
    for await (const page of client.itemPages({ filter: { modality: 'TEXT' }, first: 25 })) {
      pages += 1;
      titles.push(...page.nodes.map(({ id }) => id));
    }
    expect([pages, titles.length, new Set(titles).size]).toEqual([3, 60, 60]);
    const classes: string[] = [];
    for await (const page of client.classPages({ first: 2 }))
      classes.push(...page.nodes.map(({ name, images, texts }) => `${name} ${images} ${texts}`));
    expect(classes).toContain('circle 12 12');
    expect(classes).toHaveLength(5);
  });

  it('train, and follow the training until it ends', async () => {
    app.trainingRunner.start();
    const { id } = await client.trainEncoder({
      seed: 1,
      epochs: 2,
      activate: true,
      options: { tune: 'none', ...QUICK.options },
    });
    const states: string[] = [];
    for await (const { state } of client.encoderProgress(id)) states.push(state);
    expect(states.at(-1)).toBe('ACTIVE');
    expect(await client.encoder(id)).toMatchObject({ state: 'ACTIVE', request: { seed: 1 } });
    expect((await client.encoders({ states: ['ACTIVE'] })).nodes).toMatchObject([{ id }]);
    await expect(client.deleteEncoder(id)).rejects.toMatchObject({ code: 'ENCODER_STATE', retryable: false });
  });
});

describe('operations of the caller', () => {
  const Count = gql<
    { readonly items: { readonly totalCount: number } },
    { readonly modality: 'IMAGE' | 'TEXT' }
  >('query Count($modality: Modality) { items(filter: { modality: $modality }, first: 1) { totalCount } }');

  it('run as a text, and as a syntax tree', async () => {
    expect(await client.execute(Count, { modality: 'TEXT' })).toEqual({ items: { totalCount: 60 } });
    const tree = parse(String(Count)) as unknown as typeof Count;
    expect(await client.execute(tree, { modality: 'IMAGE' })).toEqual({ items: { totalCount: 60 } });
  });

  it('are iterated over by their own connection', async () => {
    const Ids: TypedDocument<
      {
        readonly items: {
          readonly nodes: readonly { readonly id: string }[];
          readonly pageInfo: { readonly hasNextPage: boolean; readonly endCursor: string | null };
        };
      },
      { readonly first: number }
    > = gql(
      'query Ids($first: Int, $after: String) { items(first: $first, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }',
    );
    const sizes: number[] = [];
    for await (const page of client.pages(Ids, { first: 50 }, ({ items }) => items))
      sizes.push(page.nodes.length);
    expect(sizes).toEqual([50, 50, 20]);
  });
});

describe('errors', () => {
  it('have the code and the field of the server', async () => {
    await expect(client.search({ query: { text: ' ' } })).rejects.toMatchObject({
      name: 'ApiError',
      code: 'EMPTY_TEXT',
      field: ['query', 'text'],
      retryable: false,
      retryAfter: null,
      requestId: expect.any(String),
    });
    await expect(client.upload(new Uint8Array([1, 2, 3]))).rejects.toMatchObject({
      code: 'UNSUPPORTED_MEDIA_TYPE',
      status: 415,
    });
    await expect(client.createClass({ name: 'circle' })).rejects.toMatchObject({ code: 'CLASS_EXISTS' });
    await expect(client.upload(pictureFile(join(folder, 'missing.png')))).rejects.toMatchObject({
      code: 'UNREACHABLE',
      cause: { code: 'ENOENT' },
    });
  });

  it('are the same for calls and for streams', async () => {
    const stranger = createClient({ url });
    await expect(stranger.classes()).rejects.toMatchObject({ code: 'UNAUTHENTICATED', status: 401 });
    const missing = '00000000-0000-7000-8000-000000000000';
    await expect(stranger.encoderProgress(missing).next()).rejects.toMatchObject({
      code: 'UNAUTHENTICATED',
    });
    await expect(client.encoderProgress(missing).next()).rejects.toMatchObject({ code: 'ENCODER_NOT_FOUND' });
  });

  it('name a server that does not answer, and one that is another', async () => {
    const address = await serve((_request, response) => response.end('<html></html>'));
    await expect(createClient({ url: address }).classes()).rejects.toMatchObject({ code: 'BAD_ANSWER' });
    await expect(createClient({ url: 'http://127.0.0.1:9' }).classes()).rejects.toMatchObject({
      code: 'UNREACHABLE',
      retryable: true,
    });
    expect(() => createClient({ url: 'file:///etc' })).toThrow(TypeError);
  });

  it('do not follow a redirect, which would send the key to another address', async () => {
    let reached = 0;
    const other = await serve((_request, response) => {
      reached += 1;
      response.end('{}');
    });
    const address = await serve((_request, response) =>
      response.writeHead(307, { location: `${other}/graphql` }).end(),
    );
    await expect(createClient({ url: address, key: KEY }).classes()).rejects.toMatchObject({
      code: 'UNREACHABLE',
    });
    expect(reached).toBe(0);
  });
});

describe('a server that refuses calls for a while', () => {
  const busy = JSON.stringify({ error: { code: 'BUSY', message: 'Later.', field: [] } });
  /** Refuses the first `times` requests, then forwards to the real server. */
  async function refusing(times: number, seconds: number) {
    const asked: string[] = [];
    const address = await serve(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks);
      asked.push(`${request.url} ${body.length}`);
      if (asked.length <= times) {
        response.writeHead(503, { 'retry-after': String(seconds), 'content-type': 'application/json' });
        response.end(busy);
        return;
      }
      const { 'content-type': type = '', authorization = '' } = request.headers;
      const answer = await fetch(`${url}${request.url}`, {
        method: 'POST',
        headers: { 'content-type': type, authorization },
        body,
      });
      response.writeHead(answer.status, { 'content-type': 'application/json' });
      response.end(await answer.text());
    });
    return { address, asked };
  }

  it('is asked again, also with the stream of a file', async () => {
    const { address, asked } = await refusing(2, 0);
    const file = join(folder, 'again.png');
    const bytes = await drawShape('circle', 'red', 3);
    await writeFile(file, bytes);
    const stored = await createClient({ url: address, key: KEY }).upload(pictureFile(file));
    expect(stored.bytes).toBe(bytes.length);
    expect(asked).toEqual(Array(3).fill(`/media ${bytes.length}`));
  });

  it('is not asked for ever, nor after a wait of minutes', async () => {
    const always = await refusing(Number.POSITIVE_INFINITY, 0);
    const failure = { code: 'BUSY', status: 503, retryable: true };
    await expect(createClient({ url: always.address, retries: 2 }).classes()).rejects.toMatchObject({
      ...failure,
      retryAfter: 0,
    });
    expect(always.asked).toHaveLength(3);
    const long = await refusing(1, 600);
    await expect(createClient({ url: long.address }).classes()).rejects.toMatchObject({
      ...failure,
      retryAfter: 600,
    });
    expect(long.asked).toHaveLength(1);
  });
});

describe('a signal', () => {
  it('ends a call, a wait and a stream', async () => {
    const silent = await serve(() => {});
    const waiting = await serve((_request, response) =>
      response.writeHead(503, { 'retry-after': '20' }).end('{}'),
    );
    const stopped = { code: 'CANCELLED', retryable: false };
    const soon = () => ({ signal: AbortSignal.timeout(50) });
    await expect(createClient({ url: silent }).classes({}, soon())).rejects.toMatchObject(stopped);
    await expect(createClient({ url: waiting }).classes({}, soon())).rejects.toMatchObject(stopped);
    await expect(createClient({ url: silent }).encoderProgress('x', soon()).next()).rejects.toMatchObject(
      stopped,
    );
  });
});
