import { afterAll, beforeAll, expect, it } from 'vitest';
import { CommonspaceError } from '../../src/domain/errors.js';
import { describeOnEachKind, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import {
  breakConnections,
  breakNextConnection,
  waitForLock,
  withClient,
} from '../support/lost-connection.js';

describeOnEachKind('a lost connection', (kind) => {
  let test: TestCatalog;
  const reports: Error[] = [];
  beforeAll(async () => {
    test = await openTestCatalog(kind, (error) => reports.push(error));
  });
  afterAll(() => test.dispose());

  /** The call fails with the typed error, its cause is reported, and the next call succeeds. */
  async function expectUnreachable(call: Promise<unknown>): Promise<void> {
    const reported = reports.length;
    const error = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CommonspaceError);
    expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE', field: [] });
    const { cause } = error as CommonspaceError;
    expect(reports.slice(reported)).toContain(cause);
    expect(await test.catalog.database.runOnce('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  }

  it('fails a transaction between two statements', async () => {
    const { database } = test.catalog;
    await expectUnreachable(
      database.transaction(async (tx) => {
        await tx.runOnce('CREATE TABLE left_over ()');
        await breakConnections(test.catalog, test.url);
        await tx.runOnce('SELECT 2');
      }),
    );
    expect(await database.runOnce(`SELECT to_regclass('left_over') AS table`)).toEqual([{ table: null }]);
  });

  it('fails a transaction before it commits', async () => {
    await expectUnreachable(
      test.catalog.database.transaction(async (tx) => {
        await tx.runOnce('SELECT 1');
        await breakConnections(test.catalog, test.url);
      }),
    );
  });

  it('leaves an error of the work in a transaction as it is', async () => {
    const error = Object.assign(new Error('no such file'), { code: 'ENOENT', syscall: 'open' });
    const call = test.catalog.database.transaction(async () => {
      await breakConnections(test.catalog, test.url);
      throw error;
    });
    await expect(call).rejects.toBe(error);
    expect(await test.catalog.database.runOnce('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('fails a statement of raw SQL, of a session and of Prisma', async () => {
    const { classes, items, database } = test.catalog;
    const before = await items.count(null);
    breakNextConnection(test.catalog);
    await expectUnreachable(items.count(null));
    breakNextConnection(test.catalog);
    await expectUnreachable(classes.all());
    breakNextConnection(test.catalog);
    await expectUnreachable(database.session((on) => on.runOnce('SELECT 1')));
    breakNextConnection(test.catalog);
    await expectUnreachable(items.upsertMany([textWrite('lost')]));
    expect(await items.count(null)).toBe(before);
  });

  it('is reported while the connection is idle, and replaced', async () => {
    const { database } = test.catalog;
    await database.runOnce('SELECT 1');
    const reported = reports.length;
    await breakConnections(test.catalog, test.url);
    await expect.poll(() => reports.length).toBeGreaterThan(reported);
    expect(await database.runOnce('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it.skipIf(kind === 'embedded')('fails what waits in a statement when the server ends it', async () => {
    const { catalog, url } = test;
    const calls = {
      transaction: () => catalog.items.upsertMany([textWrite('waits')]),
      raw: () => catalog.items.count(null),
      prisma: () => catalog.items.countByModality(),
      indexes: () => catalog.indexes.ensure({ rows: 1 }),
    };
    await catalog.items.upsertMany([textWrite('a', { features: new Map([['t@1', Float32Array.of(1, 0)]]) })]);
    for (const [name, call] of Object.entries(calls)) {
      await withClient(url ?? '', async (client) => {
        await client.query('BEGIN');
        await client.query('LOCK TABLE item, feature IN ACCESS EXCLUSIVE MODE');
        const failed = expectUnreachable(call()).catch((error: unknown) => {
          throw new Error(name, { cause: error });
        });
        await withClient(url ?? '', (other) => waitForLock(other));
        await breakConnections(catalog, url);
        await client.query('ROLLBACK');
        await failed;
      });
    }
    expect(await catalog.indexes.ensure({ rows: 1 })).toHaveLength(1);
  });
});
