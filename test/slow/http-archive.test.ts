import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '../../src/client/index.js';
import { createApp, listen } from '../../src/http/app.js';
import { readTar } from '../../src/platform/tar/tar-reader.js';
import { pictureIn } from '../../src/services/archive/archive-format.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

const QUERY = '{ exportCatalogue { url items classes encoders pictures pictureBytes } }';

let app: TestApp;
let http: FastifyInstance;
let url: string;
let folder: string;
let picture: Buffer;
let keys: { readonly read: string; readonly train: string; readonly admin: string };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-http-archive-'));
  app = await openTestApp();
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  url = await listen(http, '127.0.0.1', 0);
  picture = await drawShape('circle', 'red');
  await app.ingest.ingest([
    { content: { bytes: picture }, pairKey: 'a', classes: ['circle'] },
    { content: { text: 'a red circle' }, pairKey: 'a' },
  ]);
  const make = async (scope: 'read' | 'train' | 'admin') =>
    (await app.keys.create(scope, [scope], null)).secret;
  app.jobRunner.start(1);
  keys = { read: await make('read'), train: await make('train'), admin: await make('admin') };
});
afterAll(async () => {
  await http.close();
  expect(app.unexpected).toEqual([]);
  await app.close();
  await rm(folder, { recursive: true, force: true });
});

const ask = async (query: string, key: string) => {
  const response = await http.inject({
    method: 'POST',
    url: '/graphql',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    payload: { query },
  });
  return response.json();
};

it('is downloaded with the scope admin, and the download is noted', async () => {
  const response = await fetch(`${url}/export`, { headers: { authorization: `Bearer ${keys.admin}` } });
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/x-tar');
  expect(response.headers.get('content-disposition')).toMatch(
    /^attachment; filename="commonspace-export-[\d-]+\.tar"$/,
  );
  expect(response.headers.get('cache-control')).toBe('no-store');
  const path = join(folder, 'download.tar');
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  const names: string[] = [];
  for await (const { name } of readTar(path, pictureIn)) names.push(name);
  expect(names.filter((name) => name.startsWith('media/'))).toHaveLength(1);
  expect(names).toContain('items/000001.jsonl');
  const [entry] = await app.auditPage(null, 1);
  expect(entry).toMatchObject({ caller: 'admin', action: 'export' });
});

it('is a backup, if that is asked for', async () => {
  const response = await fetch(`${url}/backup`, { headers: { authorization: `Bearer ${keys.admin}` } });
  const path = join(folder, 'backup.tar');
  await writeFile(path, Buffer.from(await response.arrayBuffer()));
  const names: string[] = [];
  for await (const { name } of readTar(path, pictureIn)) names.push(name);
  expect(names).toEqual(expect.arrayContaining(['commonspace-backup.json', 'database/PG_VERSION']));
  expect(names.filter((name) => name.startsWith('media/'))).toHaveLength(1);
  const [entry] = await app.auditPage(null, 1);
  expect(entry).toMatchObject({ caller: 'admin', action: 'backup' });
});

it.each(['read', 'train'] as const)('is refused with the scope %s', async (scope) => {
  const headers = { authorization: `Bearer ${keys[scope]}` };
  for (const path of ['/export', '/backup']) {
    const response = await http.inject({ url: path, headers });
    expect(response.statusCode).toBe(403);
    expect(response.json()).toMatchObject({ error: { code: 'FORBIDDEN' } });
  }
  expect((await ask(QUERY, keys[scope])).errors[0].extensions.code).toBe('FORBIDDEN');
});

describe('an import by the API', () => {
  const client = () => createClient({ url, key: keys.admin });
  const uploaded = async () => {
    const bytes = await new Response(await client().exportCatalogue()).arrayBuffer();
    return (await client().uploadFile(bytes)).id;
  };
  const followed = async (input: { uploadId?: string; url?: string; merge?: boolean }) => {
    const { id } = await client().importCatalogue(input);
    let last = null;
    for await (const job of client().jobProgress(id)) last = job;
    return last;
  };
  const deleteItems = async () => {
    const { nodes } = await client().items();
    await client().deleteItems(nodes.map(({ id }) => id));
    return nodes;
  };

  it('stores the archive as a job, which is noted, and nothing when it is repeated', async () => {
    const uploadId = await uploaded();
    const before = await deleteItems();
    const job = await followed({ uploadId });
    expect(job).toMatchObject({
      kind: 'IMPORT',
      state: 'SUCCEEDED',
      code: null,
      imported: { items: 2, pictures: 1, classes: 0, encoders: 0, missingPictures: 0 },
    });
    expect(job?.done).toBe(job?.total);
    expect((await client().items()).nodes).toEqual(before);
    const [entry] = await app.auditPage(null, 1);
    expect(entry).toMatchObject({
      caller: 'admin',
      action: 'importCatalogue',
      detail: { uploadId, id: job?.id },
    });
    expect((await followed({ uploadId }))?.imported).toMatchObject({ items: 0, vectors: 0 });
  });

  it('is refused where the catalogue has other data, which merge adds to', async () => {
    const uploadId = await uploaded();
    await deleteItems();
    const mine = { content: { text: 'mine' }, externalId: 'mine', pairKey: 'a' };
    await client().ingest([mine]);
    const refused = await followed({ uploadId });
    expect(refused).toMatchObject({ state: 'FAILED', code: 'CATALOGUE_NOT_EMPTY', imported: null });
    expect(refused?.message).toMatch(/1 items/);
    expect((await client().items()).nodes).toHaveLength(1);
    expect((await followed({ uploadId, merge: true }))?.imported).toMatchObject({ items: 2 });
    const item = await client().item({ externalId: 'mine' });
    const { data } = await ask('{ item(externalId: "mine") { counterparts { id } } }', keys.admin);
    expect(data.item.counterparts).toHaveLength(2);
    await client().deleteItems([item?.id ?? '']);
  });

  it('refuses what is no archive at once, naming the field, and another scope', async () => {
    const { id: rows } = await client().uploadFile(Buffer.from('text\na\n'));
    const refused = async (input: object) =>
      client()
        .importCatalogue(input)
        .catch((error: unknown) => error);
    expect(await refused({ uploadId: rows })).toMatchObject({
      code: 'BAD_ARCHIVE',
      field: ['input', 'uploadId'],
    });
    expect(await refused({ uploadId: 'a'.repeat(64) })).toMatchObject({
      code: 'UPLOAD_NOT_FOUND',
      field: ['input', 'uploadId'],
    });
    expect(await refused({ merge: true })).toMatchObject({ code: 'BAD_INPUT', field: ['input'] });
    expect(await refused({ path: 'none/a.tar' })).toMatchObject({
      code: 'BAD_INPUT',
      field: ['input', 'path'],
    });
    const train = createClient({ url, key: keys.train });
    await expect(train.importCatalogue({ uploadId: rows })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    await expect(client().uploadFile(Buffer.alloc(2 ** 20 + 1, 'a'))).rejects.toMatchObject({
      code: 'FILE_TOO_LARGE',
    });
  });
});

it('is refused to pages of other sites, and without a key', async () => {
  const headers = { authorization: `Bearer ${keys.admin}`, 'sec-fetch-site': 'cross-site' };
  const response = await http.inject({ url: '/export', headers });
  expect(response.json()).toMatchObject({ error: { code: 'CROSS_SITE_REQUEST' } });
  expect((await http.inject({ url: '/export' })).statusCode).toBe(401);
});

it('is announced with its size', async () => {
  expect((await ask(QUERY, keys.admin)).data.exportCatalogue).toEqual({
    url: '/export',
    items: 2,
    classes: 1,
    encoders: 0,
    pictures: 1,
    pictureBytes: picture.length,
  });
});

it('ends when the caller goes, and can then be downloaded again, by the client', async () => {
  const stop = new AbortController();
  const client = createClient({ url, key: keys.admin, retries: 0 });
  const stream = await client.exportCatalogue({ signal: stop.signal });
  await stream.getReader().read();
  stop.abort();
  const whole = await expect.poll(async () => {
    const again = await client.exportCatalogue().catch(() => null);
    if (again === null) return 0;
    return Buffer.from(await new Response(again).arrayBuffer()).length;
  });
  await whole.toBeGreaterThan(10_000);
});
