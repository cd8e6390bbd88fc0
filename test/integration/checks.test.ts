import { rm } from 'node:fs/promises';
import { v4 as uuid } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import { pathOf } from '../support/media-files.js';

describeOnEachKind('the checks of commonspace doctor', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(async () => {
    await app.close();
  });

  const run = async () => {
    const found = await app.checks.run();
    return Object.fromEntries(found.map((finding) => [finding.check, finding]));
  };
  const ingest = async (bytes: Buffer) => {
    const [outcome] = await app.ingest.ingest([{ content: { bytes } }]);
    if (outcome?.status !== 'CREATED') throw new Error(JSON.stringify(outcome));
    return outcome.item.contentHash;
  };

  it('find nothing in a catalogue that is well, and then what is missing, with what to do', async () => {
    const [there, gone, upload] = await Promise.all(
      (['red', 'blue', 'green'] as const).map((colour) => drawShape('circle', colour)),
    );
    await ingest(there as Buffer);
    const missing = await ingest(gone as Buffer);
    const before = await run();
    const nodes = app.catalog.database.distributed ? ['nodes'] : [];
    expect(Object.keys(before).sort()).toEqual([
      'clock',
      'disk',
      'indexes',
      'leftovers',
      'media',
      ...nodes,
      'pgvector',
    ]);
    for (const check of ['clock', 'indexes', 'leftovers', 'media'])
      expect(before[check]).toMatchObject({ level: 'ok', remedy: null });
    expect(before.media?.message).toBe('the bytes of all 2 pictures are there');
    expect(before.disk?.message).toMatch(/GB \(\d+ %\) are free/);
    const [extension] = await app.catalog.database.run<{ version: string }>(
      `SELECT extversion AS version FROM pg_extension WHERE extname = 'vector'`,
    );
    expect(before.pgvector?.message).toContain(extension?.version);

    await rm(pathOf(app.store.image(missing)));
    const { sha256 } = await app.media.upload(upload as Buffer);
    await app.catalog.database.run(
      `UPDATE media SET created_at = created_at - interval '2 days', uploaded_at = uploaded_at - interval '2 days'
       WHERE sha256 = $1`,
      [sha256],
    );
    await app.catalog.database.run(
      `INSERT INTO pair (id, home, key, created_at) VALUES ($1, $1, 'empty', CURRENT_TIMESTAMP - interval '2 days')`,
      [uuid()],
    );
    const after = await run();
    expect(after.media).toEqual({
      check: 'media',
      level: 'error',
      message: `the bytes of 1 of 2 pictures are missing: ${missing}`,
      remedy: expect.stringContaining('backup'),
    });
    expect(after.leftovers).toMatchObject({
      level: 'warning',
      message: 'older than a day: 1 uploads without an item, 1 pairs without an item',
      remedy: expect.stringContaining('commonspace sweep'),
    });
    // Looking changes nothing.
    expect((await run()).leftovers).toEqual(after.leftovers);
    await app.sweep.run();
    expect((await run()).leftovers?.level).toBe('ok');
  });

  it('find an index that is not valid', async () => {
    await app.catalog.database.run(
      `UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'class_name_key'::regclass`,
    );
    try {
      expect((await run()).indexes).toEqual({
        check: 'indexes',
        level: 'warning',
        message: 'the index class_name_key is not valid, so no statement uses it',
        remedy: 'run REINDEX INDEX CONCURRENTLY class_name_key',
      });
    } finally {
      await app.catalog.database.run(
        `UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'class_name_key'::regclass`,
      );
    }
  });
});
