import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { migrate } from '../../src/catalog/postgres/migrate.js';
import { fromPackageRoot } from '../../src/platform/package-root.js';
import { describeOnEachDatabase } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import { schemaDiff } from '../support/schema-diff.js';

describeOnEachDatabase('migrations', (catalog) => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-migrations-'));
    await cp(fromPackageRoot('migrations'), folder, { recursive: true });
  });
  afterEach(async () => {
    await catalog().database.runOnce(`DELETE FROM _prisma_migrations WHERE migration_name LIKE '9%'`);
    await catalog().database.runOnce('DROP TABLE IF EXISTS later');
    await rm(folder, { recursive: true });
  });

  async function migrateFrom(path: string): Promise<string[]> {
    const client = await catalog().database.pool.connect();
    try {
      return await migrate(client, path);
    } finally {
      client.release();
    }
  }

  async function add(name: string, sql: string): Promise<void> {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'migration.sql'), sql);
  }

  const recorded = (name: string) =>
    catalog().database.runOnce('SELECT * FROM _prisma_migrations WHERE migration_name = $1', [name]);

  // On a distributed database keys have the home.
  it.skipIf(process.env.TEST_CITUS_URL)(
    'create the schema of prisma/schema.prisma, besides partitions and indexes of vectors',
    async () => {
      const { items, encoders, indexes, database } = catalog();
      const id = uuidv7();
      await encoders.create(
        { id, dimension: 2, imageExtractor: 'i', textExtractor: 't', config: {}, report: {} },
        new Uint8Array(),
      );
      const vector = Float32Array.of(1, 0);
      await items.upsertMany([
        textWrite('x', { features: new Map([['t', vector]]), embeddings: new Map([[id, vector]]) }),
      ]);
      expect(await indexes.ensure({ rows: 1 })).toHaveLength(2);
      const schema = await readFile(fromPackageRoot('prisma/schema.prisma'), 'utf8');
      expect(await schemaDiff(database.pool, schema)).toBe('-- This is an empty migration.');
      // The comparison detects a difference:
      const other = schema.replace('title       String?', 'title       String');
      expect(await schemaDiff(database.pool, other)).toContain(
        'ALTER TABLE "item" ALTER COLUMN "title" SET NOT NULL',
      );
    },
  );

  it('are recorded as Prisma’s tool records them, and applied once', async () => {
    const [row] = await recorded('0001_init');
    const file = await readFile(fromPackageRoot('migrations/0001_init/migration.sql'));
    expect(row).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      checksum: createHash('sha256').update(file).digest('hex'),
      finished_at: expect.any(Date),
      started_at: expect.any(Date),
      rolled_back_at: null,
      logs: null,
      applied_steps_count: 1,
    });
    expect(await migrateFrom(folder)).toEqual([]);
    await add('9002_second', 'INSERT INTO later VALUES (2);');
    await add('9001_first', 'CREATE TABLE later (x int); INSERT INTO later VALUES (1);');
    expect(await migrateFrom(folder)).toEqual(['9001_first', '9002_second']);
    expect(await catalog().database.runOnce('SELECT x FROM later ORDER BY x')).toEqual([{ x: 1 }, { x: 2 }]);
    expect(await migrateFrom(folder)).toEqual([]);
  });

  it('roll back if they fail, and can be applied again', async () => {
    await add('9001_bad', 'CREATE TABLE later (x int); SELECT 1 / 0;');
    await expect(migrateFrom(folder)).rejects.toMatchObject({
      code: 'MIGRATION_FAILED',
      message: expect.stringMatching(/9001_bad.*division by zero/),
    });
    expect(await recorded('9001_bad')).toEqual([]);
    await writeFile(join(folder, '9001_bad', 'migration.sql'), 'CREATE TABLE later (x int);');
    expect(await migrateFrom(folder)).toEqual(['9001_bad']);
  });

  it('are refused if changed after they were applied, except for line ends', async () => {
    await add('9001_later', 'CREATE TABLE later (\n  x int\n);\n');
    await migrateFrom(folder);
    const path = join(folder, '9001_later', 'migration.sql');
    await writeFile(path, 'CREATE TABLE later (\r\n  x int\r\n);\r\n');
    expect(await migrateFrom(folder)).toEqual([]);
    await writeFile(path, 'CREATE TABLE later (y int);');
    const error = { code: 'MIGRATION_FAILED', message: expect.stringMatching(/9001_later.*changed/) };
    await expect(migrateFrom(folder)).rejects.toMatchObject(error);
  });

  it('are refused if half-applied, and if the database is of a newer version', async () => {
    const insert = (name: string, rolledBack: boolean, finished: boolean) =>
      catalog().database.runOnce(
        `INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, rolled_back_at)
         VALUES ($1, 'x', $2, CASE WHEN $3 THEN now() END, CASE WHEN $4 THEN now() END)`,
        [uuidv7(), name, finished, rolledBack],
      );
    await insert('9001_given_up', true, false);
    expect(await migrateFrom(folder)).toEqual([]);
    await insert('9002_half', false, false);
    const half = { code: 'MIGRATION_FAILED', message: expect.stringMatching(/9002_half.*not finished/) };
    await expect(migrateFrom(folder)).rejects.toMatchObject(half);
    await catalog().database.runOnce(`DELETE FROM _prisma_migrations WHERE migration_name = '9002_half'`);
    await insert('9003_future', false, true);
    const newer = { code: 'MIGRATION_FAILED', message: expect.stringMatching(/9003_future.*newer/) };
    await expect(migrateFrom(folder)).rejects.toMatchObject(newer);
  });
});
