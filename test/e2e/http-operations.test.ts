import { rm } from 'node:fs/promises';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type AppOptions, createApp, listen } from '../../src/http/app.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { pathOf } from '../support/media-files.js';

const KEY = 'a-key-of-enough-length';
const WITH_KEY = { authorization: `Bearer ${KEY}` };

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly requestId?: string;
  readonly [field: string]: unknown;
}

let app: TestApp;
let png: Buffer;
let log: LogLine[] = [];
const opened: FastifyInstance[] = [];

beforeAll(async () => {
  app = await openTestApp();
  png = await drawShape('ring', 'black', 18);
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await app.close();
});

async function start(options: Partial<AppOptions> = {}): Promise<FastifyInstance> {
  log = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  const made = await createApp({ services: app, logger, apiKeys: [], loopback: true, ...options });
  opened.push(made);
  return made;
}

describe('/readyz', () => {
  it('counts nothing for callers without a key, and reads little', async () => {
    const http = await start({ apiKeys: [KEY] });
    const state = vi.spyOn(app.indexes, 'state');
    const statements = vi.spyOn(app.catalog.database, 'run');
    const answer = await http.inject('/readyz');
    expect([answer.statusCode, answer.json()]).toEqual([200, { status: 'ready' }]);
    expect((await http.inject({ url: '/readyz', headers: { authorization: 'Bearer no' } })).json()).toEqual({
      status: 'ready',
    });
    expect(statements).toHaveBeenCalledTimes(2);
    expect(state).not.toHaveBeenCalled();
    for (let i = 0; i < 3; i += 1) {
      expect((await http.inject({ url: '/readyz', headers: WITH_KEY })).json()).toEqual({
        status: 'ready',
        indexes: { missing: 0, building: 0 },
      });
    }
    expect(state).toHaveBeenCalledTimes(1);
    vi.restoreAllMocks();
  });
});

describe('totals', () => {
  it('are counted only if they are selected', async () => {
    const http = await start();
    const { items, classes, encoders } = app.catalog;
    const counts = [vi.spyOn(items, 'count'), vi.spyOn(classes, 'count'), vi.spyOn(encoders, 'count')];
    const ask = async (field: string) =>
      (
        await http.inject({
          method: 'POST',
          url: '/graphql',
          payload: { query: `{ items { ${field} } classes { ${field} } encoders { ${field} } }` },
        })
      ).json();
    await ask('nodes { id }');
    expect(counts.map((count) => count.mock.calls.length)).toEqual([0, 0, 0]);
    expect(await ask('totalCount')).toMatchObject({
      data: { items: { totalCount: 0 }, classes: { totalCount: 0 }, encoders: { totalCount: 0 } },
    });
    expect(counts.map((count) => count.mock.calls.length)).toEqual([1, 1, 1]);
    vi.restoreAllMocks();
  });
});

describe('answers of /media', () => {
  it('are cached only if they are the file', async () => {
    const http = await start();
    const { sha256 } = await app.media.upload(png);
    const served = await http.inject(`/media/${sha256}`);
    expect(served.rawPayload).toEqual(png);
    expect(served.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    const cached = await http.inject({
      url: `/media/${sha256}`,
      headers: { 'if-none-match': String(served.headers.etag) },
    });
    expect([cached.statusCode, cached.headers['cache-control']]).toEqual([
      304,
      served.headers['cache-control'],
    ]);
    // The file disappears after it was looked up, or cannot be read.
    const stored = app.store.image(sha256);
    const absent = app.store.image('0'.repeat(64));
    const broken = vi.spyOn(app.store, 'image').mockReturnValue(absent);
    const gone = await http.inject(`/media/${sha256}`);
    broken.mockReturnValue({ ...stored, open: () => Promise.reject(new Error('EIO')) });
    const unreadable = await http.inject(`/media/${sha256}`);
    broken.mockRestore();
    await rm(pathOf(stored));
    const missing = await http.inject(`/media/${sha256}`);
    const unknown = await http.inject('/nowhere');
    expect([gone, unreadable, missing, unknown].map(({ statusCode }) => statusCode)).toEqual([
      404, 500, 404, 404,
    ]);
    for (const { headers } of [gone, unreadable, missing, unknown]) {
      expect(headers['cache-control']).toBe('no-store');
      expect(headers.etag).toBeUndefined();
    }
  });
});

describe('time limits', () => {
  const until = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason));
    });

  it.each(['application/json', 'text/event-stream'])(
    'end an operation that is answered as %s',
    async (accept) => {
      const http = await start({ limits: { operationMs: 100 } });
      const classify = vi
        .spyOn(app.classes, 'classify')
        .mockImplementation(
          async (_query, _among, _first, { signal } = {}) => await until(signal as AbortSignal),
        );
      const { body } = await http.inject({
        method: 'POST',
        url: '/graphql',
        headers: { accept },
        payload: { query: '{ classify(query: {text: "x"}) { probability } }' },
      });
      classify.mockRestore();
      expect(body).toContain('"errors"');
      if (accept === 'text/event-stream') expect(body).toContain('event: complete');
    },
  );

  it('cut a stream without its end', async () => {
    const http = await start({ limits: { operationMs: 50, streamMs: 400 } });
    const require = vi.spyOn(app.encoders, 'require').mockResolvedValue({} as never);
    const watch = vi.spyOn(app.encoders, 'watch').mockImplementation(async function* (_id, signal) {
      await until(signal).catch(() => {});
    });
    const address = await listen(http, '127.0.0.1', 0);
    const started = performance.now();
    const response = await fetch(`${address}/graphql`, {
      method: 'POST',
      headers: { accept: 'text/event-stream', 'content-type': 'application/json' },
      body: JSON.stringify({ query: 'subscription { encoderProgress(id: "x") { id } }' }),
    });
    const body = await response.text();
    expect(performance.now() - started).toBeGreaterThan(350);
    expect(body).not.toContain('event: complete');
    require.mockRestore();
    watch.mockRestore();
  });
});

describe('the log', () => {
  it('has a line for each request, with the id that the answer names', async () => {
    const http = await start();
    const payload = { query: 'query Titles { items(first: 1) { nodes { title } } }' };
    const answer = await http.inject({ method: 'POST', url: '/graphql?secret=1', payload });
    expect(log).toEqual([
      expect.objectContaining({
        level: 30,
        msg: 'request',
        requestId: answer.headers['x-request-id'],
        method: 'POST',
        path: '/graphql',
        status: 200,
        ms: expect.any(Number),
        operation: 'query',
        operationName: 'Titles',
      }),
    ]);
    await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { accept: 'text/event-stream', 'x-request-id': 'proxy-7' },
      payload,
    });
    expect(log[1]).toMatchObject({ requestId: 'proxy-7', status: 200, operationName: 'Titles' });
    const forged = await http.inject({ url: '/media/x', headers: { 'x-request-id': 'a b\n{"level":50}' } });
    expect(forged.headers['x-request-id']).toMatch(/^[0-9a-f-]{36}$/);
    expect(log[2]).toMatchObject({ path: '/media/x', status: 404 });
    const refused = await http.inject({ url: '/', headers: { host: 'evil.example' } });
    expect(refused.headers['x-request-id']).toBe(log[3]?.requestId);
    await http.inject('/healthz');
    expect(log.map(({ level }) => level)).toEqual([30, 30, 30, 30, 20]);
  });

  it('has the id in the lines of unexpected errors', async () => {
    const http = await start();
    const byId = vi.spyOn(app.items, 'byId').mockRejectedValue(new Error('broken'));
    for (const accept of ['application/json', 'text/event-stream']) {
      await http.inject({
        method: 'POST',
        url: '/graphql',
        headers: { accept },
        payload: { query: '{ item(id: "x") { id } }' },
      });
    }
    byId.mockRestore();
    const errors = log.filter(({ level }) => level === 50);
    expect(errors).toHaveLength(2);
    expect(errors.map(({ requestId }) => requestId)).toEqual(
      log.filter(({ msg }) => msg === 'request').map(({ requestId }) => requestId),
    );
  });
});
