import { readFile } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { vector } from '@electric-sql/pglite-pgvector';
import { expect, it } from 'vitest';
import { fromPackageRoot } from '../../src/platform/package-root.js';

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
