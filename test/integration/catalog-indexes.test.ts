import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { embeddingPartition, featurePartition } from '../../src/catalog/vectors/vector-partitions.js';
import { OwnJobs } from '../../src/services/jobs/own-jobs.js';
import { IndexUpkeep } from '../../src/services/serving/index-upkeep.js';
import { describeOnEachKind, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';

const TEXTS = 'words@1';
const ROWS = { rows: 30 };

describeOnEachKind('vector indexes', (kind) => {
  let opened: TestCatalog;
  let encoderId: string;
  const random = randomOf(1);
  const catalog = () => opened.catalog;

  beforeEach(async () => {
    opened = await openTestCatalog(kind);
    encoderId = uuidv7();
    const read = { imageExtractor: 'pixels@1', textExtractor: TEXTS };
    await catalog().encoders.create(
      { id: encoderId, dimension: 4, ...read, config: {}, report: {} },
      new Uint8Array([7]),
    );
  });
  afterEach(() => opened.dispose());

  /** Texts with a feature and an embedding, and images with an embedding. */
  async function ingest(texts: number, images: number): Promise<void> {
    const embeddings = () => new Map([[encoderId, randomUnit(4, random)]]);
    await catalog().items.upsertMany([
      ...Array.from({ length: texts }, () =>
        textWrite(uuidv7(), {
          embeddings: embeddings(),
          features: new Map([[TEXTS, randomUnit(6, random)]]),
        }),
      ),
      ...Array.from({ length: images }, () => imageWrite(uuidv7(), { embeddings: embeddings() })),
    ]);
  }

  const featureIndex = () => `${featurePartition(TEXTS)}_hnsw`;
  const isValid = async () =>
    await catalog().database.runOnce(
      'SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass($1)',
      [featureIndex()],
    );

  it('are built on partitions that have grown to the threshold, and on no others', async () => {
    const { indexes } = catalog();
    await ingest(29, 10);
    expect(await indexes.lacking(30)).toEqual([]);
    expect(await indexes.ensure(ROWS)).toEqual([]);
    // More than a page in each shard of a distributed table: a table of the same size is not counted again.
    await ingest(500, 5);
    const features = featurePartition(TEXTS);
    const embeddings = embeddingPartition(encoderId, 'TEXT');
    expect(await indexes.lacking(30)).toEqual([
      { partition: embeddings, building: false, encoderId, modality: 'TEXT' },
      { partition: features, building: false, extractor: TEXTS },
    ]);
    expect(await indexes.ensure({ ...ROWS, atMost: 1 })).toEqual([embeddings]);
    expect(await indexes.ensure(ROWS)).toEqual([features]);
    expect(await indexes.lacking(30)).toEqual([]);
    expect(await indexes.ensure(ROWS)).toEqual([]);
  });

  it.skipIf(kind === 'embedded')('that an interrupted build left invalid are built again', async () => {
    const { indexes, database } = catalog();
    await ingest(40, 0);
    await indexes.ensure(ROWS);
    await database.runOnce('UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass($1)', [
      featureIndex(),
    ]);
    expect(await indexes.lacking(30)).toMatchObject([{ extractor: TEXTS, building: false }]);
    expect(await indexes.ensure(ROWS)).toEqual([featurePartition(TEXTS)]);
    expect(await isValid()).toEqual([{ valid: true }]);
  });

  it.skipIf(kind === 'embedded')(
    'that an interrupted build left invalid are dropped below the threshold',
    async () => {
      const { indexes, database } = catalog();
      await ingest(40, 0);
      await indexes.ensure(ROWS);
      await database.runOnce('UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass($1)', [
        featureIndex(),
      ]);
      expect(await indexes.ensure({ rows: 1000 })).toEqual([]);
      expect(await isValid()).toEqual([]);
    },
  );

  it.skipIf(kind === 'embedded')(
    'are completed by the server after their builder is gone, one build at a time',
    async () => {
      const { indexes } = catalog();
      await ingest(40, 0);
      const other = new pg.Client({ connectionString: opened.url ?? '' });
      await other.connect();
      try {
        // A build waits for transactions that write to the table.
        await other.query(`BEGIN; LOCK TABLE ${featurePartition(TEXTS)} IN ROW EXCLUSIVE MODE`);
        const killed = new AbortController();
        const built = indexes.ensure({ ...ROWS, signal: killed.signal });
        const building = async () => (await indexes.lacking(30)).filter((one) => one.building);
        await expect.poll(building).toMatchObject([{ extractor: TEXTS }]);
        killed.abort(new Error('killed'));
        await expect(built).rejects.toThrow('killed');
        expect(await indexes.ensure(ROWS)).toEqual([]);
        expect(await building()).toMatchObject([{ extractor: TEXTS }]);
        await other.query('COMMIT');
        await expect.poll(isValid).toEqual([{ valid: true }]);
      } finally {
        await other.end();
      }
    },
  );

  describe('of a server', () => {
    let upkeep: IndexUpkeep | undefined;
    const unexpected: unknown[] = [];
    afterEach(async () => {
      await upkeep?.stop();
      expect(unexpected.splice(0)).toEqual([]);
    });

    function newUpkeep(checkEveryMs: number): IndexUpkeep {
      const report = (error: unknown) => unexpected.push(error);
      const limits = { checkEveryMs, quietMs: 1, rows: 30 };
      upkeep = new IndexUpkeep(catalog(), new OwnJobs(catalog(), report), report, limits);
      return upkeep;
    }
    const jobs = () => catalog().jobList.page({ states: null, kinds: ['INDEX'] }, null, 10);

    it('are built by jobs: at once for what needs them, and in the background', async () => {
      const soon = { timeout: 20_000 };
      await ingest(40, 0);
      await newUpkeep(60_000).ensure();
      const built = {
        state: 'succeeded',
        total: 2,
        done: 2,
        failed: 0,
        skipped: 0,
        message: '2 indexes built.',
      };
      expect(await jobs()).toMatchObject([built]);
      await newUpkeep(60_000).ensure();
      expect(await jobs()).toHaveLength(1);

      // A job whose process has ended, and whose indexes the database has completed.
      await catalog().database.runOnce(`UPDATE job SET state = 'queued', finished_at = NULL, message = NULL`);
      const first = newUpkeep(60_000);
      first.start();
      await expect.poll(jobs, soon).toMatchObject([built]);
      await first.stop();

      for (const partition of [featurePartition(TEXTS), embeddingPartition(encoderId, 'TEXT')])
        await catalog().database.runOnce(`DROP INDEX ${partition}_hnsw`);
      newUpkeep(60_000).start();
      const one = { ...built, total: 1, done: 1, message: '1 index built.' };
      await expect.poll(jobs, soon).toMatchObject(kind === 'embedded' ? [one, one, built] : [built, built]);
      expect(await catalog().indexes.lacking(30)).toEqual([]);
    });

    it.skipIf(kind === 'embedded')(
      'stop being built if the job is cancelled, until it is retried',
      async () => {
        await ingest(40, 0);
        const other = new pg.Client({ connectionString: opened.url ?? '' });
        await other.connect();
        try {
          await other.query(`BEGIN; LOCK TABLE ${featurePartition(TEXTS)} IN ROW EXCLUSIVE MODE`);
          newUpkeep(50).start();
          const building = async () =>
            (await catalog().indexes.lacking(30)).map((one) => [one.partition, one.building]);
          await expect.poll(building).toEqual([[featurePartition(TEXTS), true]]);
          const [job] = await jobs();
          await catalog().jobs.cancel(job?.id ?? '');
          await expect.poll(building, { timeout: 10_000 }).toEqual([[featurePartition(TEXTS), false]]);
          await other.query('COMMIT');
          // What the build has left is dropped by a later check, and none is begun.
          await expect.poll(isValid).toEqual([]);
          expect(await jobs()).toMatchObject([{ state: 'cancelled', total: 2, done: 1 }]);
          await catalog().jobs.requeue(job?.id ?? '');
          await expect.poll(isValid).toEqual([{ valid: true }]);
          await expect.poll(jobs).toMatchObject([{ state: 'succeeded', total: 2, done: 2 }]);
        } finally {
          await other.end();
        }
      },
    );
  });
});
