import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { Budgets } from '../../src/services/access/budgets.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';

/** Its cost is 62. */
const QUERY = '{ items(first: 30) { nodes { id title } } }';

let app: TestApp;
let picture: Buffer;
let address: string;
const pictures = createServer((_request, response) => response.end(picture));
const opened: FastifyInstance[] = [];
/** Milliseconds of the clock of the budgets. */
let now = 0;

beforeAll(async () => {
  app = await openTestApp('embedded', { fetchAllow: ['127.0.0.1/32'] });
  picture = await drawShape('circle', 'red');
  await new Promise<void>((resolve) => pictures.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(pictures.address() as AddressInfo).port}/a.png`;
});
afterEach(async () => {
  for (const http of opened.splice(0)) await http.close();
});
afterAll(async () => {
  pictures.close();
  await app.close();
});

/** A server with its own budgets, and a way to ask it with a key. */
async function serve(defaults: { cost: number; bytes: number }) {
  const services = { ...app, budgets: new Budgets(defaults, () => now) };
  const http = await createApp({
    services,
    logger: pino({ level: 'silent' }),
    apiKeys: ['a-key-of-enough-length'],
    loopback: true,
  });
  opened.push(http);
  const ask = async (key: string, query: string, headers: Record<string, string> = {}) => {
    const answer = await http.inject({
      method: 'POST',
      url: '/graphql',
      headers: { authorization: `Bearer ${key}`, ...headers },
      payload: { query },
    });
    const { statusCode: status, payload } = answer;
    const body = JSON.parse(
      headers.accept === undefined ? payload : (/^data: (.+)$/m.exec(payload)?.[1] ?? ''),
    );
    return { status, retryAfter: answer.headers['retry-after'], body };
  };
  const upload = (key: string) =>
    http.inject({
      method: 'POST',
      url: '/media',
      headers: { 'content-type': 'image/png', authorization: `Bearer ${key}` },
      payload: picture,
    });
  const send = (key: string, payload: Buffer | Readable) =>
    http.inject({
      method: 'POST',
      url: '/uploads',
      headers: {
        'content-type': 'application/octet-stream',
        authorization: `Bearer ${key}`,
        ...(payload instanceof Readable && { 'transfer-encoding': 'chunked' }),
      },
      payload,
    });
  const metric = async (name: string) => {
    const { body } = await http.inject({
      url: '/metrics',
      headers: { authorization: 'Bearer a-key-of-enough-length' },
    });
    return Number(new RegExp(`^${name} (\\d+)`, 'm').exec(body)?.[1] ?? 0);
  };
  return { ask, upload, send, metric };
}

const key = async (cost: number | null, bytes: number | null) =>
  (await app.keys.create('limited', ['ingest'], null, { cost, bytes })).secret;

it('counts what a bulk ingest fetches for the key that began it, and the job waits', async () => {
  const { row } = await app.keys.create('fetching', ['ingest'], null, {
    cost: null,
    bytes: 10,
  });
  const caller = { keyId: row.id, name: row.name, scopes: row.scopes, perMinute: row.perMinute };
  const rows = Readable.from([Buffer.from(`image_url,text\n${address},a circle\n`)]);
  const { id: uploadId } = await app.bulkFiles.receive(rows);
  const { id } = await app.bulkJobs.begin({ uploadId }, [], caller);
  app.jobRunner.start(1);
  await expect.poll(async () => (await app.jobs.require(id)).message).toMatch(/^It waits/);
  expect(await app.jobs.require(id)).toMatchObject({ state: 'queued', done: 1, failed: 0 });
  expect(() => app.budgets.of(caller).takeBytes(1)).toThrow(
    expect.objectContaining({ code: 'RATE_LIMITED' }),
  );
  // As after its time.
  await app.catalog.database.run('UPDATE job SET run_after = NULL WHERE id = $1', [id]);
  await expect.poll(async () => (await app.jobs.require(id)).state, { timeout: 5_000 }).toBe('succeeded');
});

describe('the cost that a key may use in a minute', () => {
  it('is refused beyond it with 429 until it has come back, for this key alone', async () => {
    const { ask, metric } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(100, null);
    const first = await ask(limited, QUERY);
    expect(first.body.extensions.cost).toEqual({ requested: 62, limit: 20_000, left: 38, refill: 1.67 });
    const second = await ask(limited, QUERY);
    expect(second).toMatchObject({ status: 429, retryAfter: '15' });
    expect(second.body.errors[0].extensions).toEqual({
      code: 'RATE_LIMITED',
      field: ['authorization'],
      retryAfter: 15,
    });
    expect(second.body.extensions.cost).toMatchObject({ requested: 62, left: 38 });
    expect(second.body.data).toBeUndefined();
    expect((await ask(await key(null, null), QUERY)).body.extensions.cost).toEqual({
      requested: 62,
      limit: 20_000,
    });
    expect(await metric('commonspace_refusals_total\\{reason="cost_per_minute"\\}')).toBe(1);
    now += 15_000;
    expect((await ask(limited, QUERY)).status).toBe(200);
  });

  it('holds for answers by stream', async () => {
    const { ask } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(100, null);
    const accept = { accept: 'text/event-stream' };
    expect((await ask(limited, QUERY, accept)).body.extensions.cost).toMatchObject({ left: 38 });
    const { body } = await ask(limited, QUERY, accept);
    expect(body.errors[0].extensions).toMatchObject({ code: 'RATE_LIMITED', retryAfter: 15 });
  });

  it('is that of the configuration without a limit of its own, and 0 stands for no limit', async () => {
    const { ask } = await serve({ cost: 70, bytes: 0 });
    const [usual, free] = [await key(null, null), await key(0, null)];
    for (const secret of [usual, 'a-key-of-enough-length']) {
      expect((await ask(secret, QUERY)).status).toBe(200);
      expect((await ask(secret, QUERY)).status).toBe(429);
      // Introspection costs nothing.
      expect((await ask(secret, '{ __typename }')).status).toBe(200);
    }
    for (const _ of [1, 2, 3]) expect((await ask(free, QUERY)).status).toBe(200);
  });

  it('does not hold for refused operations, and lets an operation above it pass when nothing was used', async () => {
    const { ask } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(10, null);
    expect((await ask(limited, '{ nothing }')).status).toBe(400);
    expect((await ask(limited, QUERY)).status).toBe(200);
    expect(await ask(limited, QUERY)).toMatchObject({ status: 429, retryAfter: '372' });
  });
});

describe('the bytes that a key may use in a minute', () => {
  it('count uploads, which are refused before they are read', async () => {
    const { upload, metric } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(null, Math.floor(picture.length * 1.5));
    expect((await upload(limited)).statusCode).toBe(201);
    const refused = await upload(limited);
    expect(refused.statusCode).toBe(429);
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(10);
    expect(refused.json().error).toMatchObject({ code: 'RATE_LIMITED' });
    expect(await metric('commonspace_refusals_total\\{reason="bytes_per_minute"\\}')).toBe(1);
    now += 60_000;
    expect((await upload(limited)).statusCode).toBe(201);
  });

  it('count what is fetched from addresses; each input fails by itself', async () => {
    const { ask } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(null, 1);
    const fetching = `mutation { ingest(input: {items: [{content: {imageUrl: "${address}"}}, {content: {text: "words"}}]})
      { results { error { code field } } } }`;
    expect((await ask(limited, fetching)).body.data.ingest.results).toEqual([
      { error: null },
      { error: null },
    ]);
    expect((await ask(limited, fetching)).body.data.ingest.results).toEqual([
      { error: { code: 'RATE_LIMITED', field: ['input', 'items', '0', 'content', 'imageUrl'] } },
      { error: null },
    ]);
  });

  it('count uploads for bulk ingests, as they arrive where their length is not known', async () => {
    const { send } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(null, 100);
    // 60 bytes each, once with and once without their length.
    const rows = Buffer.from(`${JSON.stringify({ text: 'a word '.repeat(7) })}`.padEnd(60));
    expect((await send(limited, rows)).statusCode).toBe(201);
    expect((await send(limited, rows)).statusCode).toBe(429);
    now += 60_000;
    expect((await send(limited, Readable.from([rows]))).statusCode).toBe(201);
    // Anything is left, and then more than was left has arrived.
    expect((await send(limited, Readable.from([rows]))).statusCode).toBe(201);
    expect((await send(limited, Readable.from([rows]))).statusCode).toBe(429);
  });

  it('count large requests, and not small ones', async () => {
    const { ask } = await serve({ cost: 0, bytes: 0 });
    const limited = await key(null, 100_000);
    const large = `{ __typename } # ${'x'.repeat(70_000)}`;
    expect((await ask(limited, large)).status).toBe(200);
    expect((await ask(limited, large)).status).toBe(429);
    expect((await ask(limited, QUERY)).status).toBe(200);
  });
});

it('refuses limits that are not whole numbers', async () => {
  await expect(key(-1, null)).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['costPerMinute'] });
  await expect(key(null, 0.5)).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['bytesPerMinute'] });
});
