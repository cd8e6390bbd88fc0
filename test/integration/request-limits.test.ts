import type { AddressInfo } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { CommonspaceError } from '../../src/domain/errors.js';
import { createApp } from '../../src/http/app.js';
import { cancelStatementsOn, inRequest } from '../../src/platform/request-work.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { createTestDatabase, openTestCatalog } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import { WAITS_FOR_LOCK, waitForLock, withClient } from '../support/lost-connection.js';

const LIMITS = { readMs: 300, writeMs: 600, waitMs: 1_000 };
const CONNECTIONS = 10;

describe.skipIf(!process.env.TEST_DATABASE_URL)('time limits of requests (server)', () => {
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let catalog: Catalog;
  beforeAll(async () => {
    database = await createTestDatabase();
    catalog = await openCatalog({ databaseUrl: database.url, limits: LIMITS });
  });
  afterAll(async () => {
    await catalog.close();
    await database.drop();
  });

  const sleep = (seconds: number) => catalog.database.runOnce(`SELECT pg_sleep(${seconds})`);

  it('ends a read and a write after their limits, and no other work', async () => {
    await expect(inRequest(() => sleep(20))).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    const write = (seconds: number) =>
      catalog.database.transaction((tx) => tx.runOnce(`SELECT pg_sleep(${seconds})`));
    await inRequest(() => write(0.4));
    await expect(inRequest(() => write(20))).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
    await sleep(0.7);
    await write(0.7);
    await inRequest(() => catalog.database.session((on) => on.runOnce('SELECT pg_sleep(0.7)')));
  });

  it('ends what waits for a lock, with SQL and with Prisma', async () => {
    await withClient(database.url, async (client) => {
      await client.query('BEGIN');
      await client.query('LOCK TABLE item, class IN ACCESS EXCLUSIVE MODE');
      for (const call of [
        (): Promise<unknown> => catalog.items.count(null),
        () => catalog.classes.all(),
        () => catalog.items.upsertMany([textWrite('waits')]),
      ]) {
        await expect(inRequest(call)).rejects.toMatchObject({ code: 'DATABASE_TIMEOUT' });
      }
    });
    expect(await catalog.items.count(null)).toBe(0);
  });

  it('is BUSY after waiting for a connection; work outside of requests waits on', async () => {
    const lock = 7;
    const { all, background } = await withClient(database.url, async (holder) => {
      await holder.query('SELECT pg_advisory_lock($1)', [lock]);
      const waiting = Array.from({ length: CONNECTIONS }, () =>
        catalog.database.runOnce('SELECT pg_advisory_lock_shared($1)', [lock]),
      );
      const count = catalog.items.count(null);
      for (const call of [(): Promise<unknown> => catalog.items.count(null), () => catalog.classes.all()]) {
        const error = await inRequest(call).catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(CommonspaceError);
        expect(error).toMatchObject({
          code: 'BUSY',
          message: 'All connections to the database are in use. Try again later.',
        });
      }
      return { all: Promise.all(waiting), background: count };
    });
    await all;
    expect(await background).toBe(0);
    expect(await inRequest(() => catalog.items.count(null))).toBe(0);
  });

  it('cancels the statement of a caller that has gone, and drops what waits', async () => {
    const gone = new AbortController();
    const calls = inRequest(() => {
      cancelStatementsOn(gone.signal);
      return Array.from({ length: CONNECTIONS + 2 }, () => sleep(20));
    }).map((call) => call.catch((error: unknown) => error));
    await setTimeout(100);
    gone.abort();
    for (const outcome of await Promise.all(calls)) expect(outcome).toMatchObject({ code: 'CANCELLED' });
    const [left] = await catalog.database.runOnce(
      `SELECT count(*)::int AS count FROM pg_stat_activity
       WHERE datname = current_database() AND state = 'active' AND pid <> pg_backend_pid() AND query LIKE '%pg_sleep%'`,
    );
    expect(left).toEqual({ count: 0 });
  });
});

describe('an embedded database', () => {
  it('drops the statements of a caller that has gone while they wait', async () => {
    const test = await openTestCatalog('embedded');
    try {
      const gone = new AbortController();
      const before = test.catalog.database.transaction(async (tx) => {
        const waits = inRequest(() => {
          cancelStatementsOn(gone.signal);
          return [test.catalog.items.count(null), test.catalog.classes.all()];
        }).map((call) => call.catch((error: unknown) => error));
        gone.abort();
        for (const error of await Promise.all(waits)) {
          expect(error).toBeInstanceOf(CommonspaceError);
          expect(error).toMatchObject({ code: 'CANCELLED', message: 'The call was cancelled.' });
        }
        return await tx.runOnce('SELECT 1 AS one');
      });
      expect(await before).toEqual([{ one: 1 }]);
      expect(await test.catalog.items.count(null)).toBe(0);
    } finally {
      await test.dispose();
    }
  });
});

describe.skipIf(!process.env.TEST_DATABASE_URL)('a caller that disconnects (server)', () => {
  let app: TestApp;
  let http: FastifyInstance;
  let address: string;
  beforeAll(async () => {
    app = await openTestApp('server');
    http = await createApp({
      services: app,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
    });
    await http.listen({ host: '127.0.0.1', port: 0 });
    address = `http://127.0.0.1:${(http.server.address() as AddressInfo).port}/graphql`;
  });
  afterAll(async () => {
    await http.close();
    await app.close();
  });

  const waiting = (): Promise<number> =>
    withClient(app.url ?? '', async (client) => {
      const { rows } = await client.query<{ count: number }>(
        `SELECT count(*)::int AS count FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'commonspace' AND ${WAITS_FOR_LOCK}`,
      );
      return rows[0]?.count ?? -1;
    });

  it.each(['{ items { totalCount } }', '{ crossModalSearch(query: {text: "red"}) { edges { score } } }'])(
    'cancels the statements of %s',
    async (query) => {
      await app.ingest.ingest([{ content: { text: 'a red circle' }, externalId: 'one' }]);
      const gone = new AbortController();
      await withClient(app.url ?? '', async (blocker) => {
        await blocker.query('BEGIN');
        await blocker.query('LOCK TABLE item IN ACCESS EXCLUSIVE MODE');
        const answer = fetch(address, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ query }),
          signal: gone.signal,
        });
        await withClient(app.url ?? '', (client) => waitForLock(client));
        gone.abort();
        await expect(answer).rejects.toThrow();
        await expect.poll(waiting, { timeout: 5_000 }).toBe(0);
      });
      expect(app.unexpected).toEqual([]);
    },
  );

  it('completes a mutation', async () => {
    const gone = new AbortController();
    await withClient(app.url ?? '', async (blocker) => {
      await blocker.query('BEGIN');
      await blocker.query('LOCK TABLE class IN SHARE MODE');
      const answer = fetch(address, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ query: 'mutation { createClass(name: "kept") { class { name } } }' }),
        signal: gone.signal,
      });
      await withClient(app.url ?? '', (client) => waitForLock(client));
      gone.abort();
      await answer.catch(() => {});
      await blocker.query('ROLLBACK');
    });
    await expect.poll(() => app.catalog.classes.allNames()).toContain('kept');
  });
});
