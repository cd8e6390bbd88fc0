import { once } from 'node:events';
import { connect } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { closeWithin } from '../../src/http/drain.js';
import { openTestApp, type TestApp } from '../support/app.js';

interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

let app: TestApp;
let log: LogLine[] = [];

beforeAll(async () => {
  app = await openTestApp();
});
afterAll(() => app.close());

async function start(stopping?: AbortSignal): Promise<FastifyInstance> {
  log = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(JSON.parse(line)) });
  return await createApp({
    services: app,
    logger,
    apiKeys: [],
    loopback: true,
    ...(stopping && { stopping }),
  });
}

it('a server that stops does not wait for connections that have sent nothing', async () => {
  const http = await start();
  const accepted = once(http.server, 'connection');
  const unused = connect(Number(new URL(await listen(http, '127.0.0.1', 0)).port), '127.0.0.1');
  const ended = once(unused, 'close');
  await accepted;
  const cut = vi.spyOn(http.server, 'closeAllConnections');
  // Node would end the connection after a minute, when it gives up waiting for headers.
  await closeWithin(http, 30_000);
  await ended;
  expect(cut).not.toHaveBeenCalled();
});

it('a server that stops answers what comes on open connections, as those of a proxy, and ends them; it refuses streams', async () => {
  const http = await start();
  const { port } = new URL(await listen(http, '127.0.0.1', 0));
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const count = vi.spyOn(app.items, 'count').mockImplementation(async () => {
    await released;
    return 7;
  });
  const query = '{"query": "{ items { totalCount } }"}';
  const request = (accept: string) =>
    `POST /graphql HTTP/1.1\r\nhost: localhost\r\naccept: ${accept}\r\ncontent-type: application/json\r\n` +
    `content-length: ${query.length}\r\n\r\n${query}`;
  const open = () => {
    const socket = connect(Number(port), '127.0.0.1');
    let text = '';
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString();
    });
    socket.write(request('application/json'));
    return { socket, answers: once(socket, 'close').then(() => text) };
  };
  const [one, two] = [open(), open()];
  await vi.waitFor(() => expect(count).toHaveBeenCalledTimes(2));
  const closed = closeWithin(http, 30_000);
  await vi.waitFor(() => expect(http.server.listening).toBe(false));
  one.socket.write(request('application/json'));
  two.socket.write(request('text/event-stream'));
  release();
  const statuses = (text: string) => text.match(/(?<=HTTP\/1\.1 )\d+/g);
  expect(statuses(await one.answers)).toEqual(['200', '200']);
  expect(await one.answers).toMatch(/connection: close/i);
  expect(statuses(await two.answers)).toEqual(['200', '503']);
  expect(await two.answers).toContain('BUSY');
  await closed;
  count.mockRestore();
});

it('a server that stops completes requests, and cuts those that take longer than the limit', async () => {
  const http = await start();
  const address = await listen(http, '127.0.0.1', 0);
  const { port } = new URL(address);
  const count = vi.spyOn(app.items, 'count').mockImplementation(async () => {
    await new Promise((resolve) => setTimeout(resolve, 200));
    return 7;
  });
  const short = fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query": "{ items { totalCount } }"}',
  });
  // An upload whose body never ends.
  const upload = connect(Number(port), '127.0.0.1');
  const ended = new Promise<void>((resolve) => upload.once('close', () => resolve()));
  upload.on('error', () => {});
  upload.write(
    'POST /media HTTP/1.1\r\nhost: localhost\r\ncontent-type: image/png\r\ncontent-length: 9\r\n\r\nabc',
  );
  await vi.waitFor(() => expect(count).toHaveBeenCalled());
  const started = performance.now();
  await closeWithin(http, 1000);
  await ended;
  expect(performance.now() - started).toBeGreaterThan(900);
  expect(performance.now() - started).toBeLessThan(5000);
  expect(await (await short).json()).toMatchObject({ data: { items: { totalCount: 7 } } });
  const cut = log.filter(({ msg }) => msg === 'cut a request, because the server stops');
  expect(cut).toMatchObject([{ level: 40, method: 'POST', path: '/media', requestId: expect.any(String) }]);
  count.mockRestore();
});

it('a server that is about to stop is not ready, and still answers', async () => {
  const stopping = new AbortController();
  const http = await start(stopping.signal);
  const statuses = async () =>
    await Promise.all(
      ['/readyz', '/healthz', '/metrics'].map(async (url) => (await http.inject(url)).statusCode),
    );
  expect(await statuses()).toEqual([200, 200, 200]);
  stopping.abort();
  expect(await statuses()).toEqual([503, 200, 200]);
  await http.close();
});
