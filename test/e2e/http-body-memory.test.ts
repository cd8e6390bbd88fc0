import { connect, type Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createApp, listen } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';

const MB = 2 ** 20;

let app: TestApp;
let http: FastifyInstance;
let address: string;

beforeAll(async () => {
  app = await openTestApp();
  http = await createApp({ services: app, logger: pino({ level: 'silent' }), apiKeys: [], loopback: true });
  address = await listen(http, '127.0.0.1', 0);
});
afterAll(async () => {
  http.server.closeAllConnections();
  await http.close();
  await app.close();
});

/** A request whose body is announced, and not sent. */
async function announce(bytes: number): Promise<Socket> {
  const socket = connect(Number(new URL(address).port), '127.0.0.1');
  socket.on('error', () => {});
  await new Promise<void>((resolve) => socket.once('connect', resolve));
  socket.write(
    `POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${bytes}\r\n\r\n{`,
  );
  return socket;
}

const ask = (query: string) =>
  fetch(`${address}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });

describe('bodies of requests', () => {
  it('are small for subscriptions, which would keep them in memory for hours', async () => {
    const query = 'subscription { encoderProgress(id: "x") { id } }';
    const subscribe = async (more: string) => {
      const { payload } = await http.inject({
        method: 'POST',
        url: '/graphql',
        headers: { accept: 'text/event-stream' },
        payload: { query, extensions: { more } },
      });
      return payload;
    };
    expect(await subscribe('')).toContain('ENCODER_NOT_FOUND');
    const refused = await subscribe('x'.repeat(100_000));
    expect(refused).toContain('"code":"BAD_INPUT","field":["content-length"]');
  });

  it('wait for room in memory if they are large, and small ones do not', async () => {
    const open = await Promise.all(Array.from({ length: 4 }, () => announce(64 * MB)));
    // So that the server has the requests before the next one.
    await new Promise((resolve) => setTimeout(resolve, 200));
    let answered = false;
    const large = ask(`{ __typename } # ${' '.repeat(MB)}`).then((response) => {
      answered = true;
      return response;
    });
    expect((await ask('{ __typename }')).status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(answered).toBe(false);
    open[0]?.destroy();
    expect((await large).status).toBe(200);
    for (const socket of open) socket.destroy();
  });
});
