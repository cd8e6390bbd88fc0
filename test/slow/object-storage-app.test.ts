import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { PICTURE_MEMORY_BYTES, pictureMemory } from '../../src/media/picture-memory.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, type TestApp } from '../support/app.js';
import { startS3, type TestS3 } from '../support/s3-server.js';

/** The whole application with its pictures in object storage. */

let s3: TestS3;
let app: TestApp;
let http: FastifyInstance;
let url: string;

beforeAll(async () => {
  s3 = await startS3();
  app = await openTestApp('embedded', { s3: s3.options });
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  url = await listen(http, '127.0.0.1', 0);
  await ingestShapes(app);
});
afterAll(async () => {
  await http.close();
  await app.close();
  await s3.dispose();
});

const upload = async (bytes: Buffer) =>
  await fetch(`${url}/media`, {
    method: 'POST',
    headers: { 'content-type': 'image/png' },
    body: new Uint8Array(bytes),
  });
const checks = async () =>
  Object.fromEntries((await app.checks.run()).map((finding) => [finding.check, finding]));
const stored = async () => {
  const hashes: string[] = [];
  for await (const { sha256 } of app.store.files()) hashes.push(sha256);
  return hashes;
};

it('ingests, serves and deletes pictures', async () => {
  const [page] = (await app.items.page({ modality: 'IMAGE' }, 1, null)).items;
  const item = page?.item;
  if (item?.modality !== 'IMAGE') throw new Error('no image');
  expect((await stored()).length).toBe(60);
  expect((await checks()).media).toMatchObject({
    level: 'ok',
    message: 'the bytes of all 60 pictures are there',
  });
  const served = await fetch(`${url}/media/${item.contentHash}`);
  const bytes = Buffer.from(await served.arrayBuffer());
  expect(served.headers.get('content-type')).toBe('image/png');
  expect(Number(served.headers.get('content-length'))).toBe(bytes.length);
  expect(bytes.equals(await app.store.image(item.contentHash).read())).toBe(true);
  const thumbnail = await fetch(`${url}/media/${item.contentHash}?width=64`);
  expect(await sharp(Buffer.from(await thumbnail.arrayBuffer())).metadata()).toMatchObject({
    format: 'webp',
  });
  const etag = thumbnail.headers.get('etag') ?? '';
  const cached = await fetch(`${url}/media/${item.contentHash}?width=64`, {
    headers: { 'if-none-match': etag },
  });
  expect(cached.status).toBe(304);
  const head = await fetch(`${url}/media/${item.contentHash}`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, String(bytes.length)]);

  await app.items.delete([item.id]);
  expect(await stored()).not.toContain(item.contentHash);
  expect((await fetch(`${url}/media/${item.contentHash}`)).status).toBe(404);
  expect((await fetch(`${url}/media/${item.contentHash}?width=64`)).status).toBe(404);
});

it('searches by an upload, ingests it, and sweeps what nothing shows', async () => {
  const { id } = (await (await upload(await drawShape('ring', 'black', 5))).json()) as { id: string };
  const found = await app.search.search({
    query: { mediaId: id },
    target: 'IMAGE',
    by: ['COUNTERPART'],
    filter: null,
    after: null,
    minScore: null,
    first: 3,
  });
  expect(found.results).toHaveLength(3);
  const [outcome] = await app.ingest.ingest([{ content: { mediaId: id }, externalId: 'ring' }]);
  expect(outcome).toMatchObject({ status: 'CREATED', item: { contentHash: id } });
  const { sha256: orphan } = await app.store.put(await drawShape('ring', 'blue', 6));
  const report = await app.sweep.run({ graceMs: -60_000 });
  expect(report).toMatchObject({ files: 1, uploads: 0 });
  expect(await stored()).not.toContain(orphan);
  expect(await stored()).toContain(id);
});

it('answers with a typed error during an outage, goes on with texts, and recovers', async () => {
  const picture = await drawShape('ring', 'red', 7);
  const [known] = (await app.items.page({ modality: 'IMAGE' }, 1, null)).items;
  await s3.stop();
  const refused = await upload(picture);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('5');
  expect(await refused.json()).toMatchObject({ error: { code: 'MEDIA_UNREACHABLE' } });
  const read = await fetch(`${url}/media/${known?.item.contentHash}`);
  expect([read.status, read.headers.get('cache-control')]).toEqual([503, 'no-store']);
  const outcomes = await app.ingest.ingest([
    { content: { bytes: picture }, externalId: 'red ring' },
    { content: { text: 'a red ring' }, externalId: 'red ring text' },
  ]);
  expect(outcomes).toMatchObject([
    { status: 'FAILED', error: { code: 'MEDIA_UNREACHABLE' } },
    { status: 'CREATED' },
  ]);
  const texts = await app.search.search({
    query: { text: 'a red circle' },
    target: null,
    by: ['COUNTERPART'],
    filter: null,
    after: null,
    minScore: null,
    first: 3,
  });
  expect(texts.results).toHaveLength(3);
  expect(await checks()).toMatchObject({
    media: { level: 'error', message: expect.stringContaining('s3://pictures/a/prefix/') },
    leftovers: { level: 'warning' },
  });
  const lost = known?.item.id ?? '';
  expect(await app.items.delete([lost])).toEqual({ deletedIds: [lost], errors: [] });
  await s3.start();
  expect(await stored()).toContain(known?.item.contentHash);
  await app.sweep.run({ graceMs: -60_000 });
  expect(await stored()).not.toContain(known?.item.contentHash);
  expect((await upload(picture)).status).toBe(201);
  const again = await app.ingest.ingest([{ content: { bytes: picture }, externalId: 'red ring' }]);
  expect(again).toMatchObject([{ status: 'CREATED' }]);
  // Nothing holds room for pictures any more.
  (await pictureMemory.acquire(PICTURE_MEMORY_BYTES, AbortSignal.timeout(1_000)))();
  expect(app.unexpected).toEqual([]);
});
