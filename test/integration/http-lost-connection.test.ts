import { randomUUID } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createApp } from '../../src/http/app.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import {
  breakConnections,
  breakNextConnection,
  waitForLock,
  withClient,
} from '../support/lost-connection.js';

describeOnEachKind('a connection lost during a request', (kind) => {
  let app: TestApp;
  let http: FastifyInstance;
  beforeAll(async () => {
    app = await openTestApp(kind);
    http = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
    });
  });
  // Whether there are keys is asked once in a while, before a request.
  beforeEach(() => ask('{ __typename }'));
  afterAll(async () => {
    await http.close();
    await app.close();
  });

  const send = (query: string) => http.inject({ method: 'POST', url: '/graphql', payload: { query } });

  async function ask(query: string): Promise<unknown> {
    return (await send(query)).json();
  }

  const ingest = (text: string) =>
    ask(
      `mutation { ingest(input: {items: [{content: {text: "${text}"}}]}) { results { status error { code } } } }`,
    );
  const ingested = (result: object) => ({ data: { ingest: { results: [result] } } });

  it('is answered with DATABASE_UNREACHABLE by GraphQL, and the next request succeeds', async () => {
    for (const query of ['{ classes { totalCount } }', '{ items { totalCount } }']) {
      const { length } = app.unexpected;
      breakNextConnection(app.catalog);
      const response = await send(query);
      expect(response.json()).toMatchObject({
        data: null,
        errors: [{ extensions: { code: 'DATABASE_UNREACHABLE', field: [] } }],
      });
      expect(response.statusCode).toBe(503);
      expect(response.headers['retry-after']).toBe('5');
      expect(app.unexpected.length).toBeGreaterThan(length);
      expect(await ask(query)).not.toHaveProperty('errors');
    }
  });

  it('is part of an answer with status 200 where another root field has a value', async () => {
    breakNextConnection(app.catalog);
    const response = await send(`{ item(id: "${randomUUID()}") { id } __typename }`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['retry-after']).toBeUndefined();
    expect(response.json()).toMatchObject({
      data: { item: null, __typename: 'Query' },
      errors: [{ extensions: { code: 'DATABASE_UNREACHABLE' } }],
    });
    breakNextConnection(app.catalog);
    const whole = await send(`{ item(id: "${randomUUID()}") { id } }`);
    expect(whole.statusCode).toBe(503);
    expect(whole.json()).toMatchObject({ data: { item: null } });
  });

  it('has no effect on a search that is refused before', async () => {
    breakNextConnection(app.catalog);
    // An error that nothing handles fails the run.
    expect(await ask('{ crossModalSearch(query: {all: []}) { edges { rank } } }')).toMatchObject({
      errors: [{ extensions: { code: 'BAD_INPUT' } }],
    });
    await expect.poll(() => ask('{ items { totalCount } }')).not.toHaveProperty('errors');
  });

  it('is answered with status 503 by other routes', async () => {
    breakNextConnection(app.catalog);
    const response = await http.inject({ url: `/media/${'0'.repeat(64)}` });
    expect(response.statusCode).toBe(503);
    expect(response.headers['retry-after']).toBe('5');
    expect(response.json()).toMatchObject({ error: { code: 'DATABASE_UNREACHABLE' } });
    expect((await http.inject({ url: '/readyz' })).statusCode).toBe(200);
  });

  it.skipIf(kind === 'embedded')(
    'fails the inputs of an ingest whose transaction the server ends',
    async () => {
      const url = app.url ?? '';
      const { length } = app.unexpected;
      await withClient(url, async (blocker) => {
        await blocker.query('BEGIN');
        await blocker.query('LOCK TABLE item IN SHARE MODE');
        const answer = ingest('lost');
        await withClient(url, waitForLock);
        await breakConnections(app.catalog, url);
        expect(await answer).toMatchObject(
          ingested({ status: 'FAILED', error: { code: 'DATABASE_UNREACHABLE' } }),
        );
        await blocker.query('ROLLBACK');
      });
      expect(app.unexpected.slice(length)).toContainEqual(expect.objectContaining({ code: '57P01' }));
      expect(await ingest('lost')).toMatchObject(ingested({ status: 'CREATED', error: null }));
    },
  );
});
