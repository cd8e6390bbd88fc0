import { access, mkdir, readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { v4 as uuid } from 'uuid';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SweepSchedule } from '../../src/services/sweep/sweep-schedule.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import { pathOf } from '../support/media-files.js';

/** Everything of the test is older than that. */
const NO_GRACE = { graceMs: -60_000 };
const NOTHING = { uploads: 0, files: 0, sources: 0, thumbnails: 0, pairs: 0, runs: 0, features: [] };
const COLOURS = ['red', 'blue', 'green', 'purple'] as const;

describeOnEachKind('a sweep', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(async () => {
    expect(app.unexpected).toEqual([]);
    await app.close();
  });

  const ingest = async (bytes: Buffer, externalId: string) => {
    const [outcome] = await app.ingest.ingest([{ content: { bytes }, externalId, pairKey: externalId }]);
    if (outcome?.status !== 'CREATED') throw new Error(JSON.stringify(outcome));
    return outcome.item;
  };
  const hasFile = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  const recorded = async () => {
    const rows = await app.catalog.database.run<{ sha256: string }>('SELECT sha256 FROM media ORDER BY 1');
    return rows.map(({ sha256 }) => sha256);
  };
  const ago = (hours: number) => new Date(Date.now() - hours * 3_600_000);
  const setUploadTimes = (sha256: string, time: Date) =>
    app.catalog.database.run(
      'UPDATE media SET created_at = $2::timestamptz, uploaded_at = CASE WHEN uploaded_at IS NULL THEN NULL ELSE $2::timestamptz END WHERE sha256 = $1',
      [sha256, time.toISOString()],
    );

  it('removes what nothing refers to, and nothing else', async () => {
    const [used, upload, stray] = await Promise.all(
      COLOURS.slice(0, 3).map((colour) => drawShape('circle', colour)),
    );
    const item = await ingest(used as Buffer, 'used');
    await app.media.file(item.contentHash, 64);
    const { sha256: uploaded } = await app.media.upload(upload as Buffer);
    await setUploadTimes(uploaded, ago(25));
    // A server that is killed between the two steps of an upload leaves a file without a record.
    const { sha256: orphan } = await app.store.put(stray as Buffer);
    const thumbnail = pathOf(await app.store.thumbnail(orphan, 64));
    await app.catalog.database.run('INSERT INTO pair (id, home, key) VALUES ($1, $1, $2)', [uuid(), 'empty']);
    const [gone, unfinished] = [uuid(), `.run.${uuid()}`];
    for (const name of [gone, unfinished, 'finished', 'a-report']) {
      await mkdir(join(app.runs, name), { recursive: true });
      await utimes(join(app.runs, name), ago(200), ago(200));
    }

    // Within the grace period nothing happens, except to the upload and the folders, which are old.
    expect(await app.sweep.run()).toEqual({ ...NOTHING, uploads: 1, runs: 2 });
    expect(await hasFile(pathOf(app.store.image(uploaded)))).toBe(false);
    expect((await readdir(app.runs)).sort()).toEqual(['a-report', 'finished']);

    expect(await app.sweep.run(NO_GRACE)).toEqual({ ...NOTHING, files: 1, pairs: 1 });
    expect(await hasFile(pathOf(app.store.image(orphan)))).toBe(false);
    expect(await hasFile(thumbnail)).toBe(false);
    expect(await recorded()).toEqual([item.contentHash]);
    expect(await hasFile(pathOf(app.store.image(item.contentHash)))).toBe(true);
    expect((await app.items.byExternalId('used'))?.pairId).toBe(item.pairId);
    expect(await app.sweep.run(NO_GRACE)).toEqual(NOTHING);
  });

  it('removes a thumbnail without its picture', async () => {
    const { sha256 } = await app.media.upload(await drawShape('square', 'red'));
    const path = pathOf(await app.store.thumbnail(sha256, 64));
    const bytes = await app.store.image(sha256).read();
    await app.store.remove(sha256);
    await writeFile(path, bytes);
    expect(await app.sweep.run(NO_GRACE)).toMatchObject({ thumbnails: 1 });
    expect(await hasFile(path)).toBe(false);
  });

  it('leaves a picture that was uploaded a moment ago when its only item is deleted', async () => {
    const bytes = await drawShape('square', 'blue');
    const item = await ingest(bytes, 'shown');
    const { sha256 } = await app.media.upload(bytes);
    await app.items.delete([item.id]);
    expect(await hasFile(pathOf(app.store.image(sha256)))).toBe(true);
    // It can still be ingested by its id.
    const [outcome] = await app.ingest.ingest([{ content: { mediaId: sha256 }, externalId: 'again' }]);
    expect(outcome?.status).toBe('CREATED');
    await setUploadTimes(sha256, ago(2));
    if (outcome?.status === 'CREATED') await app.items.delete([outcome.item.id]);
    expect(await hasFile(pathOf(app.store.image(sha256)))).toBe(false);
  });

  it('keeps an upload of the same picture that comes while the file is removed', async () => {
    const bytes = await drawShape('square', 'green');
    const { sha256 } = await app.store.put(bytes);
    const { remove } = app.store;
    let upload: Promise<unknown> | undefined;
    app.store.remove = async (hash) => {
      app.store.remove = remove;
      upload = app.media.upload(bytes);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return await remove(hash);
    };
    expect(await app.sweep.run(NO_GRACE)).toMatchObject({ files: 1 });
    await upload;
    expect(await hasFile(pathOf(app.store.image(sha256)))).toBe(true);
    expect(await recorded()).toContain(sha256);
  });

  it('counts the features of extractors that are not in use, and removes them if asked', async () => {
    const item = await ingest(await drawShape('triangle', 'red'), 'featured');
    const former = 'former/1';
    await app.catalog.vectorWrites.fillFeatures(former, [
      { itemId: item.id, contentHash: item.contentHash, vector: Float32Array.of(1, 0) },
    ]);
    const counted = await app.sweep.run(NO_GRACE);
    expect(counted.features).toEqual([{ extractor: former, items: 1, removed: false }]);
    const swept = await app.sweep.run({ ...NO_GRACE, features: true });
    expect(swept.features).toEqual([{ extractor: former, items: 1, removed: true }]);
    expect((await app.sweep.run(NO_GRACE)).features).toEqual([]);
    const features = await app.catalog.vectors.featuresFor([item.id], app.features.image.id);
    expect(features.size).toBe(1);
  });

  it('is repeated by a server until it stops, also after a failure', async () => {
    const errors: unknown[] = [];
    let runs = 0;
    const run = async () => {
      runs += 1;
      if (runs === 1) throw new Error('the first one fails');
      return await app.sweep.run();
    };
    const schedule = new SweepSchedule({ run }, (error) => errors.push(error), {
      firstAfterMs: 1,
      everyMs: 1,
    });
    schedule.start();
    await expect.poll(() => runs).toBeGreaterThan(2);
    await schedule.stop();
    const then = runs;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(runs).toBe(then);
    expect(errors).toHaveLength(1);
  });

  it('ends when it is cancelled', async () => {
    await expect(app.sweep.run({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'CANCELLED' });
  });
});
