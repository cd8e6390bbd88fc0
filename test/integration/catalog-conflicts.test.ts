import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { IdentityConflict } from '../../src/catalog/repositories/item-identities.js';
import { openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import { waitForLock, withClient } from '../support/lost-connection.js';

const COUNT = 12;
const DEADLOCK = '40P01';

/** Two servers on one database, whose transactions meet each other in every order. */
// It holds writers up by triggers, which a distributed table cannot have.
describe.skipIf(!process.env.TEST_DATABASE_URL || process.env.TEST_CITUS_URL)(
  'conflicts of two servers',
  () => {
    let test: TestCatalog;
    let other: Catalog;
    beforeAll(async () => {
      test = await openTestCatalog('server');
      other = await openCatalog({ databaseUrl: test.url });
      // Each row takes a while, so that two statements over the same rows surely overlap.
      await test.catalog.database.runOnce(
        `CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN PERFORM pg_sleep(.02); RETURN COALESCE(NEW, OLD); END $$`,
      );
      await test.catalog.database.runOnce(
        'CREATE TRIGGER linger AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION linger()',
      );
      await test.catalog.database.runOnce(
        'CREATE TRIGGER linger_before BEFORE INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION linger()',
      );
    });
    afterAll(async () => {
      await other.close();
      await test.dispose();
    });

    const names = Array.from({ length: COUNT }, (_, i) => `item ${i}`);
    const write = (externalId: string, text = externalId) => textWrite(text, { externalId });
    const deadlocks = async (): Promise<number> => {
      const [row] = await test.catalog.database.runOnce<{ deadlocks: number }>(
        'SELECT deadlocks::int FROM pg_stat_database WHERE datname = current_database()',
      );
      return row?.deadlocks ?? -1;
    };

    it('stores the same new items in opposite orders: one waits for the other', async () => {
      const [first, second] = await Promise.allSettled([
        test.catalog.items.upsertMany(names.map((name) => write(name))),
        other.items.upsertMany([...names].reverse().map((name) => write(name))),
      ]);
      const failures = [first, second].flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(failures).toHaveLength(1);
      expect(failures[0]).toBeInstanceOf(IdentityConflict);
      expect(await test.catalog.items.count(null)).toBe(COUNT);
    });

    it('deletes items that another server replaces, in the order of the ids', async () => {
      // Stored one by one with descending ids, so that a scan of the table meets them in the opposite order.
      const made = Array.from({ length: COUNT }, (_, i) => write(`descending ${i}`)).reverse();
      for (const one of made) await test.catalog.items.upsertMany([one]);
      const ids = made.map(({ id }) => id);
      const [replaced, deleted] = await Promise.all([
        other.items.upsertMany(made.map((one) => ({ ...one, title: 'replaced' }))),
        test.catalog.items.delete(ids),
      ]);
      expect(replaced).toHaveLength(COUNT);
      expect(deleted.deletedIds).toHaveLength(COUNT);
    });

    it('repeats a transaction that the server ends because of a deadlock', async () => {
      const [a, b] = [write('a'), write('b')].sort((x, y) => (x.id < y.id ? -1 : 1));
      if (!a || !b) throw new Error('two items');
      await test.catalog.items.upsertMany([a, b]);
      const change = (id: string) => `UPDATE item SET title = 'by hand' WHERE id = '${id}'`;
      await withClient(test.url ?? '', async (client) => {
        // The server ends the transaction that looks for a deadlock first: that of the catalogue.
        await client.query(`SET deadlock_timeout = '60s'`);
        await client.query('BEGIN');
        await client.query(change(b.id));
        const writing = test.catalog.items.upsertMany([
          { ...a, title: 'written' },
          { ...b, title: 'written' },
        ]);
        await withClient(test.url ?? '', (watcher) => waitForLock(watcher));
        await client.query(change(a.id));
        await client.query('COMMIT');
        expect((await writing).map(({ title }) => title)).toEqual(['written', 'written']);
      });
      // The only one of all tests: the others wait in one order. The server counts with a delay.
      await expect.poll(deadlocks, { timeout: 15_000 }).toBe(1);
    });

    it('reports a conflict that does not end as BUSY', async () => {
      await expect(
        test.catalog.database.transaction(
          async (tx) => {
            await tx.runOnce(`DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = '${DEADLOCK}'; END $$`);
          },
          { repeat: true },
        ),
      ).rejects.toMatchObject({ code: 'BUSY' });
    });
  },
);
