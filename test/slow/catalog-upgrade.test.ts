import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { vector } from '@electric-sql/pglite-pgvector';
import { expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { readMigrations } from '../../src/catalog/postgres/migrations.js';
import { fromPackageRoot } from '../../src/platform/package-root.js';
import { createTestDatabase, describeOnEachKind } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';

const sqlOf = (name: string) => readFile(fromPackageRoot(`migrations/${name}/migration.sql`), 'utf8');

it('adds encoder states to a catalogue with encoders, in one transaction', async () => {
  const db = await PGlite.create({ extensions: { vector } });
  try {
    await db.exec(await sqlOf('0001_init'));
    const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;
    for (const [n, state] of ['ready', 'active', 'retired'].entries()) {
      await db.query(
        `INSERT INTO encoder (id, state, dimension, image_extractor, text_extractor) VALUES ($1, $2, 64, 'i', 't')`,
        [id(n), state],
      );
    }
    await db.exec(`BEGIN; ${await sqlOf('0002_encoder_states')}; COMMIT;`);
    const { rows } = await db.query(
      `SELECT state, finished_at IS NOT NULL AS finished, retired_at IS NOT NULL AS retired FROM encoder ORDER BY id`,
    );
    expect(rows).toEqual([
      { state: 'ready', finished: true, retired: false },
      { state: 'active', finished: true, retired: false },
      { state: 'retired', finished: true, retired: true },
    ]);
    const insert = (state: string, columns = '', values = '') =>
      db.query(
        `INSERT INTO encoder (id, state, image_extractor, text_extractor ${columns}) VALUES ($1, $2, 'i', 't' ${values})`,
        [id(9), state],
      );
    await expect(insert('active', ', dimension', ', 2')).rejects.toThrow('encoder_one_active_key');
    await expect(insert('ready')).rejects.toThrow('encoder_trained_check');
    await expect(insert('failed')).rejects.toThrow('encoder_failure_check');
    await expect(insert('training', ', claim', ', gen_random_uuid()')).rejects.toThrow('encoder_claim_check');
    await insert('queued');
  } finally {
    await db.close();
  }
});

it('drops the record of changes and its row triggers, and keeps the rows', async () => {
  const db = await PGlite.create({ extensions: { vector } });
  const userTriggers = async () =>
    (await db.query(`SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0`)).rows.length;
  const insertItem = (n: number) =>
    db.query(`INSERT INTO item (id, modality, text, content_hash) VALUES ($1, 'TEXT', 'x', $2)`, [
      `00000000-0000-7000-8000-00000000000${n}`,
      String(n),
    ]);
  try {
    const before = [
      '0001_init',
      '0002_encoder_states',
      '0003_search_changes',
      '0004_encoder_evaluation',
      '0005_change_scopes',
    ];
    for (const name of before) await db.exec(await sqlOf(name));
    await db.exec(`CREATE TABLE vectors.feature_x PARTITION OF feature FOR VALUES IN ('x')`);
    await insertItem(1);
    await db.exec(`INSERT INTO feature SELECT id, 'x', '[1,0]' FROM item`);
    expect(await userTriggers()).toBe(9);
    expect((await db.query('SELECT * FROM vectors.change')).rows.length).toBeGreaterThan(0);
    await db.exec(`BEGIN; ${await sqlOf('0006_no_change_triggers')}; COMMIT;`);
    expect(await userTriggers()).toBe(0);
    const { rows } = await db.query(
      `SELECT to_regclass('vectors.change') AS record, to_regproc('vectors.note_change') AS function,
         (SELECT count(*)::int FROM vectors.feature_x) AS features`,
    );
    expect(rows).toEqual([{ record: null, function: null, features: 1 }]);
    await insertItem(2);
    await db.exec('DELETE FROM item; TRUNCATE item CASCADE');
  } finally {
    await db.close();
  }
});

it('keeps embeddings and their indexes when they get partitions on one level, and the names by which the version before reads them', async () => {
  const db = await PGlite.create({ extensions: { vector, pg_trgm } });
  const id = (n: number) => `00000000-0000-7000-8000-00000000000${n}`;
  const partition = (n: number) => `vectors.embedding_${id(n).replaceAll('-', '')}`;
  const count = async (from: string) =>
    (await db.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${from}`)).rows[0]?.count;
  try {
    const names = (await readMigrations()).map(({ name }) => name);
    for (const name of names.filter((one) => one < '0025')) await db.exec(await sqlOf(name));
    for (const n of [1, 2]) {
      await db.exec(`INSERT INTO encoder (id, state, dimension, image_extractor, text_extractor, finished_at) VALUES ('${id(n)}', 'ready', 2, 'i', 't', now());
        CREATE TABLE ${partition(n)} PARTITION OF embedding FOR VALUES IN ('${id(n)}') PARTITION BY LIST (modality);
        CREATE TABLE ${partition(n)}_image PARTITION OF ${partition(n)} FOR VALUES IN ('IMAGE');
        CREATE TABLE ${partition(n)}_text PARTITION OF ${partition(n)} FOR VALUES IN ('TEXT');
        CREATE INDEX ON ${partition(n)}_text USING hnsw ((vec::vector(2)) vector_ip_ops);
        INSERT INTO item (id, modality, text, content_hash) VALUES ('${id(n)}', 'TEXT', 'x', '${n}')`);
    }
    await db.exec(`INSERT INTO embedding SELECT e.id, i.id, 'TEXT', '[1,0]' FROM encoder e, item i`);
    await db.exec(`BEGIN; ${await sqlOf('0025_one_level_of_partitions')}; COMMIT;`);
    expect(await count('embedding')).toBe(4);
    expect(await count(`embedding WHERE encoder_id = '${id(1)}'`)).toBe(2);
    expect(await count(`${partition(2)}_text`)).toBe(2);
    expect(await count(`${partition(2)}`)).toBe(2);
    expect(
      await count(
        `pg_index x JOIN pg_class c ON c.oid = x.indexrelid WHERE indisvalid AND relname LIKE '%_text_vec_idx'`,
      ),
    ).toBe(2);
    expect(await count(`pg_inherits WHERE inhparent = 'embedding'::regclass`)).toBe(4);
    await db.exec(`INSERT INTO embedding VALUES ('${id(1)}', '${id(2)}', 'IMAGE', '[0,1]')`);
    expect(await count(`${partition(1)}_image`)).toBe(1);
    // Deleted with the item, and not with the encoder, whose partitions are dropped.
    await db.exec(`DELETE FROM item WHERE id = '${id(2)}'`);
    expect(await count('embedding')).toBe(2);
    await expect(
      db.exec(`INSERT INTO embedding VALUES ('${id(1)}', '${id(9)}', 'TEXT', '[0,1]')`),
    ).rejects.toThrow('embedding_item_id_fkey');
  } finally {
    await db.close();
  }
});

describeOnEachKind('a catalogue without words', (kind) => {
  it('gets them when an embedded one is opened, and by fill or maintain on a server', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'commonspace-upgrade-'));
    const database = kind === 'server' ? await createTestDatabase() : null;
    const open = () => openCatalog({ dataDir, databaseUrl: database?.url ?? null, sharedBuffers: 32 });
    const ids = async ({ words }: Catalog, query: string) => {
      const found = await words.rank(await words.expand(query), { target: null, filter: null, limit: 5 });
      return found.hits.map(({ id }) => id);
    };
    try {
      const writes = ['a red car', '两只大象', '…'].map((text) => textWrite(text));
      const [car, elephants] = writes.map(({ id }) => id);
      const before = await open();
      await before.items.upsertMany(writes);
      await before.database.runOnce('ALTER TABLE item DROP COLUMN lexemes');
      await before.database.runOnce('DROP TABLE word');
      await before.database.runOnce(`DELETE FROM _prisma_migrations WHERE migration_name = '0007_lexical'`);
      await before.close();
      const upgraded = await open();
      try {
        const { words } = upgraded;
        expect((await upgraded.describe()).applied).toEqual(['0007_lexical']);
        if (kind === 'server') {
          expect(
            await words.similarities(
              await words.expand('car'),
              writes.map(({ id }) => id),
            ),
          ).toEqual(new Map());
          expect(await words.fill()).toBe(3);
        }
        expect(await words.fill()).toBe(0);
        expect(await ids(upgraded, 'cars')).toEqual([car]);
        const [counted] = await upgraded.database.runOnce(`SELECT documents FROM word WHERE word = ''`);
        expect(counted).toEqual({ documents: 3 });
        await upgraded.database.runOnce('UPDATE item SET lexemes = NULL');
        expect(await ids(upgraded, '大象')).toEqual([]);
        await upgraded.maintain();
        expect(await ids(upgraded, '大象')).toEqual([elephants]);
      } finally {
        await upgraded.close();
      }
    } finally {
      await database?.drop();
      await rm(dataDir, { recursive: true });
    }
  });
});
