import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { LOCAL } from '../../src/domain/access.js';
import { createApp } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { writeTar } from '../support/bulk-files.js';

interface Job {
  readonly id: string;
  readonly state: string;
  readonly total: number | null;
  readonly done: number;
  readonly failed: number;
  readonly skipped: number;
  readonly message: string | null;
  readonly failures: {
    readonly nodes: readonly {
      readonly ordinal: number;
      readonly code: string;
      readonly reference: string;
      readonly input: unknown;
    }[];
  };
}

const JOB =
  '{ id state total done failed skipped message failures { nodes { ordinal code reference input } } }';

let app: TestApp;
let http: FastifyInstance;
let sources: string;
let root: string;
let png: Buffer;
let elsewhere: Server;
/** What the server elsewhere answers with. */
let served = '';

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bulk-ingest-'));
  sources = join(root, 'photos');
  await mkdir(join(sources, 'cat'), { recursive: true });
  png = await drawShape('ring', 'red');
  app = await openTestApp('embedded', { ingestFolders: [sources], fetchAllow: ['127.0.0.0/8'] });
  http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
    limits: { bodyMs: 300 },
  });
  await http.listen({ port: 0, host: '127.0.0.1' });
  elsewhere = createServer((_request, response) => response.end(served)).listen(0, '127.0.0.1');
  app.jobRunner.start(1);
});
beforeEach(() => app.catalog.database.runOnce('TRUNCATE item, pair CASCADE'));
afterAll(async () => {
  expect(app.unexpected).toEqual([]);
  elsewhere.close();
  await http.close();
  await app.close();
  await rm(root, { recursive: true });
});

async function ask<T>(query: string, variables: object): Promise<T> {
  const response = await http.inject({ method: 'POST', url: '/graphql', payload: { query, variables } });
  return response.json<{ data: T }>().data;
}

async function upload(body: string | Buffer, headers: Record<string, string> = {}) {
  const type = { 'content-type': 'application/octet-stream', ...headers };
  return await http.inject({ method: 'POST', url: '/uploads', headers: type, payload: body });
}

async function begin(input: object) {
  const query = `mutation ($input: IngestBulkInput!) { ingestBulk(input: $input) { job ${JOB} errors { code field } } }`;
  return (
    await ask<{ ingestBulk: { job: Job | null; errors: { code: string; field: string[] }[] } }>(query, {
      input,
    })
  ).ingestBulk;
}

async function ended(id: string): Promise<Job> {
  const read = async () => (await ask<{ job: Job }>(`query ($id: ID!) { job(id: $id) ${JOB} }`, { id })).job;
  await expect.poll(async () => (await read()).state, { timeout: 30_000 }).not.toMatch(/QUEUED|RUNNING/);
  return await read();
}

async function ingested(input: object): Promise<Job> {
  const { job, errors } = await begin(input);
  expect(errors).toEqual([]);
  return await ended(job?.id ?? '');
}

const lines = (...rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join('\n');
const idsOf = async () =>
  (await app.catalog.database.run<{ external_id: string }>('SELECT external_id FROM item ORDER BY 1')).map(
    (row) => row.external_id,
  );

describe('an uploaded file', () => {
  it('has the hash of its bytes as id, and is stored once', async () => {
    const body = lines({ text: 'a' });
    const first = await upload(body);
    expect([first.statusCode, first.json()]).toEqual([
      201,
      { id: createHash('sha256').update(body).digest('hex'), bytes: body.length, format: 'JSON_LINES' },
    ]);
    expect((await upload(body, { 'content-type': 'text/csv' })).json()).toEqual(first.json());
  });

  it('is ingested row by row; what failed is retried by a further job, with the same numbers of rows', async () => {
    const body = lines(
      { external_id: 'a', image_base64: png.toString('base64'), text: 'a red ring', label: 'ring' },
      { external_id: 'b', media_id: 'f'.repeat(64), text: `late${'\u0000'}` },
      { external_id: 'c', text: 'a text alone' },
      { external_id: 'd', media_id: createHash('sha256').update(png).digest('hex') },
      { external_id: 'e' },
    );
    const { id: uploadId } = (await upload(body)).json<{ id: string }>();
    const job = await ingested({ uploadId });
    expect(job).toMatchObject({ state: 'SUCCEEDED', total: 5, done: 2, failed: 3, skipped: 0 });
    expect(job.message).toBe('3 items created, 0 updated, 0 unchanged.');
    expect(job.failures.nodes).toEqual([
      {
        ordinal: 2,
        code: 'BAD_INPUT',
        reference: 'line 2',
        input: { external_id: 'b', media_id: 'f'.repeat(64), text: 'late' },
      },
      // The picture of row 1 was not stored yet.
      expect.objectContaining({ ordinal: 4, code: 'MEDIA_NOT_FOUND' }),
      { ordinal: 5, code: 'BAD_ROW', reference: 'line 5', input: { external_id: 'e' } },
    ]);
    expect(await idsOf()).toEqual(['a', 'a#text', 'c']);
    const { retryFailed } = await ask<{ retryFailed: { job: Job } }>(
      `mutation ($id: ID!) { retryFailed(id: $id) { job ${JOB} errors { code } } }`,
      { id: job.id },
    );
    const retried = await ended(retryFailed.job.id);
    expect(retried).toMatchObject({ state: 'SUCCEEDED', total: 3, done: 1, failed: 2 });
    expect(retried.failures.nodes.map(({ ordinal }) => ordinal)).toEqual([2, 5]);
    expect(await idsOf()).toEqual(['a', 'a#text', 'c', 'd']);
    const again = await ingested({ uploadId });
    expect(again).toMatchObject({
      total: 5,
      done: 3,
      failed: 2,
      message: '0 items created, 0 updated, 4 unchanged.',
    });
  });

  it('is refused where it is of no known format, too large, or in a form; nothing of it stays', async () => {
    const before = await readdir(join(app.runs, '..', 'uploads'));
    expect((await upload(png)).json()).toMatchObject({ error: { code: 'BAD_SOURCE' } });
    expect((await upload(`{"text":"${'x'.repeat(2 ** 20)}"}`)).json()).toMatchObject({
      error: { code: 'FILE_TOO_LARGE' },
    });
    expect((await upload('x', { 'content-type': 'multipart/form-data; boundary=b' })).statusCode).toBe(400);
    expect((await upload(lines({ text: 'a' }), { 'sec-fetch-site': 'cross-site' })).statusCode).toBe(403);
    expect(await readdir(join(app.runs, '..', 'uploads'))).toEqual(before);
  });

  it('may take long to arrive; bodies that are kept in memory may not', async () => {
    const { port } = http.server.address() as AddressInfo;
    const slowly = async (path: string, type: string, body: string) => {
      const socket = connect(port, '127.0.0.1');
      let answer = '';
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.write(
        `POST ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      socket.write(body.slice(0, 5));
      setTimeout(() => socket.write(body.slice(5)), 600);
      await expect.poll(() => answer, { timeout: 5_000 }).toContain('\r\n\r\n');
      socket.destroy();
      return answer.split('\r\n')[0];
    };
    expect(await slowly('/uploads', 'text/csv', 'text\nslow')).toContain('201');
    expect(await slowly('/graphql', 'application/json', '{"query":"{ __typename }"}')).toContain('408');
  });
});

describe('a file at an address', () => {
  it('is copied once, so that a retry reads the same rows', async () => {
    const url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/sets/cats.csv?x=1`;
    served = 'file_name,image_url,text\ncat.png,http://127.0.0.1:9/cat.png,a cat\n,,a dog\n';
    const job = await ingested({ url });
    expect(job).toMatchObject({ state: 'SUCCEEDED', total: 2, done: 1, failed: 1 });
    expect(job.failures.nodes).toMatchObject([{ ordinal: 1, code: 'FETCH_FAILED' }]);
    served = 'text\nother\n';
    const retried = await app.jobs.retry(job.id, { keyId: null, name: 'local', scopes: ['admin'] });
    expect(await ended(retried.id)).toMatchObject({ total: 1, failed: 1 });
  });

  it('fails its job where it cannot be fetched or is too large, and a private one is refused', async () => {
    expect(await ingested({ url: 'http://127.0.0.1:9/none.jsonl' })).toMatchObject({
      state: 'FAILED',
      message: 'The address could not be fetched: ECONNREFUSED.',
    });
    served = `{"text":"${'x'.repeat(2 ** 20)}"}`;
    const { port } = elsewhere.address() as AddressInfo;
    expect(await ingested({ url: `http://127.0.0.1:${port}/` })).toMatchObject({
      state: 'FAILED',
      message: 'The file has more than 1 MB.',
    });
    expect(await ingested({ url: 'http://10.1.1.1/a.csv' })).toMatchObject({
      state: 'FAILED',
      message: expect.stringContaining('not allowed'),
    });
  });
});

describe('a path', () => {
  it('names a folder of the configuration, or what lies below it', async () => {
    await writeFile(join(sources, 'cat', '1.png'), png);
    await writeFile(join(sources, 'cat', '1.txt'), 'a cat');
    await writeFile(join(sources, 'notes.md'), 'skipped');
    expect(await ingested({ path: 'photos' })).toMatchObject({
      state: 'SUCCEEDED',
      total: 2,
      done: 1,
      skipped: 1,
    });
    expect(await idsOf()).toEqual(['photos/cat/1.png', 'photos/cat/1.png#text']);
    await writeTar(join(sources, 'shard.tar'), { '1.png': png, '1.cls': 'ring' });
    expect(await ingested({ path: 'photos/shard.tar', prefix: 's' })).toMatchObject({ total: 1, done: 1 });
    expect(await idsOf()).toContain('s/1.png');
  });

  it('does not leave the folder, also not by links', async () => {
    await writeFile(join(root, 'secret.csv'), 'text\nsecret\n');
    await symlink(root, join(sources, 'up'));
    const refused = async (path: string) => (await begin({ path })).errors[0];
    for (const path of ['photos/../secret.csv', 'photos/up/secret.csv', '/etc/passwd', 'other', ''])
      expect(await refused(path), path).toEqual({ code: 'BAD_INPUT', field: ['input', 'path'] });
    expect(await refused('photos/none')).toEqual({ code: 'FILE_MISSING', field: ['input', 'path'] });
    await rm(join(sources, 'up'));
  });
});

it('needs exactly one known source', async () => {
  const codes = async (input: object) => (await begin(input)).errors;
  expect(await codes({})).toEqual([{ code: 'BAD_INPUT', field: ['input'] }]);
  expect(await codes({ path: 'photos', url: 'http://example.org/' })).toEqual([
    { code: 'BAD_INPUT', field: ['input'] },
  ]);
  expect(await codes({ uploadId: 'a'.repeat(64) })).toEqual([
    { code: 'UPLOAD_NOT_FOUND', field: ['input', 'uploadId'] },
  ]);
  expect(await codes({ uploadId: '../config' })).toEqual([
    { code: 'UPLOAD_NOT_FOUND', field: ['input', 'uploadId'] },
  ]);
  expect(await codes({ url: 'file:///etc/passwd' })).toEqual([
    { code: 'ADDRESS_NOT_ALLOWED', field: ['input', 'url'] },
  ]);
  expect(await codes({ path: 'photos', prefix: ' ' })).toEqual([
    { code: 'BAD_INPUT', field: ['input', 'prefix'] },
  ]);
});

it('is noted in the audit log, and its file stays while a job may need it', async () => {
  const { id } = (await upload(lines({ n: 1 }))).json<{ id: string }>();
  const unused = (await upload(lines({ text: 'unused' }))).json<{ id: string }>().id;
  const job = await ingested({ uploadId: id });
  const [entry] = (await app.auditPage(null, 1)) as readonly {
    readonly action: string;
    readonly detail: unknown;
  }[];
  expect(entry).toMatchObject({ action: 'ingestBulk', detail: { uploadId: id, id: job.id } });
  const { sources: removed } = await app.sweep.run({ graceMs: -60_000 });
  expect(removed).toBeGreaterThan(0);
  const left = await readdir(join(app.runs, '..', 'uploads'));
  expect(left).toContain(id);
  expect(left).not.toContain(unused);
});

it('holds up neither short jobs nor an export, although the server does one long job at a time', async () => {
  const rows = Array.from({ length: 6_000 }, (_, n) => ({ external_id: `long-${n}`, text: `text ${n}` }));
  await writeFile(join(sources, 'long.jsonl'), lines(...rows));
  const { job } = await begin({ path: 'photos/long.jsonl' });
  const id = job?.id ?? '';
  await expect.poll(async () => (await app.jobs.require(id)).done, { timeout: 30_000 }).toBeGreaterThan(0);
  const deletion = await app.deletions.begin({ metadata: { other: true } }, false, LOCAL);
  const { port } = http.server.address() as AddressInfo;
  const exported = await fetch(`http://127.0.0.1:${port}/export`);
  expect([exported.status, (await exported.text()).includes('long-0')]).toEqual([200, true]);
  expect(await ended(deletion.id)).toMatchObject({ state: 'SUCCEEDED' });
  expect(await app.jobs.require(id)).toMatchObject({ state: 'running', total: 6_000 });
  await app.jobs.cancel(id, LOCAL);
});

describe('a preview', () => {
  const PREVIEW = `query ($input: IngestBulkInput!, $first: Int) { previewBulk(input: $input, first: $first) {
    rows complete pictures texts skipped failed failures { ordinal code }
    first { reference skipped error { code } pictures { name url thumbnail } texts title classes pairKey externalId metadata } } }`;

  it('says what becomes of the rows, and stores nothing', async () => {
    const path = join(root, 'preview.tar');
    await writeTar(path, {
      'cat/1.png': png,
      'cat/1.txt': 'a cat',
      'cat/1.cls': 'cat',
      'cat/2.png': 'no picture',
      'cat/3.doc': 'x',
      'cat/4.json': '{"image_url": "http://127.0.0.1/a.png", "title": "four", "size": 3}',
    });
    const { id } = (await upload(await readFile(path))).json<{ id: string }>();
    const input = { uploadId: id, prefix: 'set' };
    const { previewBulk } = await ask<{ previewBulk: { first: { pictures: object[] }[] } }>(PREVIEW, {
      input,
    });
    expect(previewBulk).toMatchObject({
      rows: 4,
      complete: true,
      pictures: 2,
      texts: 1,
      skipped: 1,
      failed: 1,
      failures: [{ ordinal: 2, code: 'UNSUPPORTED_MEDIA_TYPE' }],
      first: [
        {
          error: null,
          texts: ['a cat'],
          classes: ['cat'],
          pairKey: 'set/cat/1.png',
          externalId: 'set/cat/1.png',
          pictures: [
            {
              name: 'cat/1.png',
              url: null,
              thumbnail: expect.stringMatching(/^data:image\/webp;base64,UklGR/),
            },
          ],
        },
        { error: { code: 'UNSUPPORTED_MEDIA_TYPE' }, pictures: [{ name: 'cat/2.png', thumbnail: null }] },
        { skipped: true, error: null, pictures: [] },
        {
          title: 'four',
          metadata: { size: 3 },
          pictures: [{ url: 'http://127.0.0.1/a.png', thumbnail: null }],
        },
      ],
    });
    expect(await idsOf()).toEqual([]);
    const job = await ingested(input);
    expect([job.total, job.skipped]).toEqual([4, 1]);
  });

  it('describes the first rows and counts all of them', async () => {
    const body = lines(
      ...Array.from({ length: 60 }, (_, i) => (i === 50 ? { nothing: 1 } : { text: `t${i}` })),
    );
    const { id } = (await upload(body)).json<{ id: string }>();
    const { previewBulk } = await ask<{ previewBulk: { first: object[] } }>(PREVIEW, {
      input: { uploadId: id },
      first: 2,
    });
    expect(previewBulk).toMatchObject({
      rows: 60,
      texts: 59,
      failed: 1,
      failures: [{ ordinal: 51, code: 'BAD_ROW' }],
    });
    expect(previewBulk.first).toHaveLength(2);
  });

  it.each([
    [{ uploadId: '0'.repeat(64) }, {}, 'UPLOAD_NOT_FOUND', ['input', 'uploadId']],
    [{ url: 'http://example.com/a.csv' }, {}, 'BAD_INPUT', ['input', 'url']],
    [{ uploadId: 'x' }, { first: 51 }, 'BAD_INPUT', ['first']],
    [{ uploadId: 'x', prefix: '' }, {}, 'BAD_INPUT', ['input', 'prefix']],
  ])('of %j is refused', async (input, rest, code, field) => {
    const response = await http.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query: PREVIEW, variables: { input, ...rest } },
    });
    expect(response.json().errors[0].extensions).toMatchObject({ code, field });
  });

  it('tells of a class column that no row has, as the job does', async () => {
    const { id } = (await upload(lines({ text: 'a', kind: 'x' }))).json<{ id: string }>();
    const query = 'query ($input: IngestBulkInput!) { previewBulk(input: $input) { rows } }';
    const input = { uploadId: id, classColumn: 'species' };
    const response = await http.inject({
      method: 'POST',
      url: '/graphql',
      payload: { query, variables: { input } },
    });
    expect(response.json().errors[0].extensions.code).toBe('NO_CLASS_COLUMN');
  });
});

describe('the figures of the server', () => {
  it('count what the catalogue has', async () => {
    await ingested({
      uploadId: (await upload(lines({ text: 'a', label: 'x', pair_key: 'p' }))).json<{ id: string }>().id,
    });
    await expect
      .poll(
        async () =>
          await ask(
            '{ server { images texts pairs database encoder { id } unembedded uploadMegabytes } }',
            {},
          ),
      )
      .toEqual({
        server: {
          images: 0,
          texts: 1,
          pairs: 0,
          database: 'embedded',
          encoder: null,
          unembedded: null,
          uploadMegabytes: 1,
        },
      });
    const { server } = await ask<{ server: { version: string; startedAt: string } }>(
      '{ server { version startedAt } }',
      {},
    );
    expect(server.version).toMatch(/^\d+\.\d+\.\d+/);
    expect(Date.parse(server.startedAt)).toBeLessThan(Date.now());
  });
});
