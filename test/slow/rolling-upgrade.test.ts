import { createHash } from 'node:crypto';
import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { migrate } from '../../src/catalog/postgres/migrate.js';
import { fromPackageRoot } from '../../src/platform/package-root.js';
import { createTestDatabase } from '../support/catalog.js';
import {
  createPartitions,
  DELETE,
  DROP_PARTITIONS,
  ENCODER,
  FILL,
  type FormerStatement,
  INGEST,
  LAST_MIGRATION,
  READS,
} from '../support/former-statements.js';

const missing = !process.env.TEST_DATABASE_URL;
/** Requests of servers of the release before at once. */
const WRITERS = 3;
const READERS = 3;

describe.skipIf(missing)(
  `servers of the release before${missing ? ' (TEST_DATABASE_URL is not set)' : ''}`,
  () => {
    let folder: string;
    let database: Awaited<ReturnType<typeof createTestDatabase>>;
    const clients: pg.Client[] = [];
    const connect = async () => {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      clients.push(client);
      return client;
    };

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), 'commonspace-former-'));
      for (const name of await readdir(fromPackageRoot('migrations')))
        if (name <= LAST_MIGRATION)
          await cp(fromPackageRoot(`migrations/${name}`), join(folder, name), { recursive: true });
      database = await createTestDatabase();
      const client = await connect();
      await client.query('CREATE EXTENSION vector; CREATE EXTENSION pg_trgm');
      expect((await migrate(client, folder)).at(-1)).toBe(LAST_MIGRATION);
      for (const statement of FILL) await client.query(statement);
      for (let n = 0; n < 200; n += 1) await inTransaction(client, INGEST, n);
    });
    afterEach(async () => {
      for (const client of clients.splice(0)) await client.end();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    });

    it('search, ingest and delete while the database is migrated, and afterwards', async () => {
      let running = true;
      let phase: 'before' | 'held' | 'migrating' | 'after' = 'before';
      const counts = { before: 0, held: 0, migrating: 0, after: 0 };
      const failures: string[] = [];
      const count = async (what: string, work: () => Promise<unknown>) => {
        try {
          await work();
          counts[phase] += 1;
        } catch (error) {
          failures.push(`${phase}: ${what}: ${(error as Error).message}`);
        }
        await setTimeout(1);
      };
      const write = async (writer: number) => {
        const client = await connect();
        for (let n = 1_000 * (writer + 1); running; n += 1) {
          await count('ingest', () => inTransaction(client, INGEST, n));
          if (n % 2 === 0)
            for (const statement of DELETE) await count('delete', () => send(client, statement, n));
        }
      };
      const read = async () => {
        const client = await connect();
        for (let n = 0; running; n += 1)
          for (const [name, statement] of Object.entries(READS))
            await count(name, () => send(client, statement, n % 200));
      };
      const work = [
        ...Array.from({ length: WRITERS }, (_, i) => write(i)),
        ...Array.from({ length: READERS }, () => read()),
      ];
      await expect.poll(() => counts.before).toBeGreaterThan(200);

      // An export reads the tables in one transaction. The migration does not let others wait behind it for so long.
      const exporting = await connect();
      await exporting.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM embedding');
      phase = 'held';
      const migrator = await connect();
      const migrated = migrate(migrator);
      await expect.poll(() => counts.held).toBeGreaterThan(200);
      await setTimeout(2_000);
      phase = 'migrating';
      await exporting.query('COMMIT');
      const applied = await migrated;
      phase = 'after';
      const { after } = counts;
      await expect.poll(() => counts.after).toBeGreaterThan(after + 200);
      running = false;
      await Promise.all(work);
      console.log(`requests: ${JSON.stringify(counts)}`);
      expect(applied.length).toBeGreaterThan(0);
      expect(failures).toEqual([]);

      // Each by itself, and what it finds.
      const client = await connect();
      await inTransaction(client, INGEST, 9_000);
      const found: Record<string, number> = {};
      for (const [name, statement] of Object.entries(READS))
        found[name] = (await send(client, statement, 9_000)).length;
      expect(found).toEqual({
        'search by embedding': 10,
        'search by embedding among the items of a class': 10,
        'similarities of given items': 1,
        'means of classes': 1,
        'embeddings of items': 1,
        'the partition with its index': 1,
      });
      const [, , , means] = Object.values(READS);
      const all = await client.query('SELECT count(*)::int AS count FROM item_class');
      expect((await send(client, means as FormerStatement, 0))[0]).toMatchObject(all.rows[0]);
      for (const statement of DELETE) await send(client, statement, 9_000);
      const left = await client.query(
        `SELECT (SELECT count(*) FROM embedding e WHERE NOT EXISTS (SELECT FROM item i WHERE i.id = e.item_id))
         + (SELECT count(*) FROM feature f WHERE NOT EXISTS (SELECT FROM item i WHERE i.id = f.item_id)) AS orphans,
         (SELECT count(*) FROM item i WHERE NOT EXISTS (SELECT FROM embedding e WHERE e.item_id = i.id)) AS lacking`,
      );
      expect(left.rows).toEqual([{ orphans: '0', lacking: '0' }]);
    }, 600_000);

    it('read encoders of the new one, and cannot train or remove one', async () => {
      const catalog = await openCatalog({ databaseUrl: database.url });
      const client = await connect();
      const id = '00000000-0000-7000-8000-0000000000e2';
      try {
        await catalog.encoders.create(
          {
            id,
            dimension: 3,
            imageExtractor: 'an extractor',
            textExtractor: 'an extractor',
            config: {},
            report: {},
          },
          new Uint8Array([1]),
        );
        const view = `vectors.embedding_${id.replaceAll('-', '')}`;
        await client.query(
          `INSERT INTO embedding SELECT $1, item_id, modality, vec FROM embedding WHERE encoder_id = $2`,
          [id, ENCODER],
        );
        const [own, former] = [
          `SELECT count(*) FROM ${view}`,
          'SELECT count(*) FROM embedding WHERE encoder_id = $1',
        ];
        expect((await client.query(own)).rows).toEqual((await client.query(former, [id])).rows);

        const [create = ''] = createPartitions('00000000-0000-7000-8000-0000000000e3');
        await expect(client.query(create)).rejects.toMatchObject({
          message: expect.stringContaining('range partition'),
        });
        await expect(client.query(DROP_PARTITIONS)).rejects.toMatchObject({ code: '42809' });
        // One that starts again refuses the database.
        await expect(migrate(client, folder)).rejects.toMatchObject({ code: 'MIGRATION_FAILED' });

        await catalog.encoders.remove(id);
        expect((await client.query('SELECT to_regclass($1) AS view', [view])).rows).toEqual([{ view: null }]);
      } finally {
        await catalog.close();
      }
    });
  },
);

async function inTransaction(
  client: pg.Client,
  statements: readonly FormerStatement[],
  n: number,
): Promise<void> {
  await client.query('BEGIN');
  try {
    for (const statement of statements) await send(client, statement, n);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

/** Sends a statement for the item with this number, prepared once for each connection. */
async function send(client: pg.Client, { text, values }: FormerStatement, n: number): Promise<object[]> {
  const digits = String(n).padStart(12, '0');
  const valuesOf = values.map((value) =>
    value
      .replaceAll('$item', `00000000-0000-7000-8000-${digits}`)
      .replaceAll('$pair', `00000000-0000-7000-9000-${digits}`)
      .replaceAll('$number', `number ${n}`),
  );
  return (await client.query({ name: createHash('sha1').update(text).digest('hex'), text, values: valuesOf }))
    .rows;
}
