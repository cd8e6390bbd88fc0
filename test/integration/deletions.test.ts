import { existsSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { LOCAL } from '../../src/domain/access.js';
import { encoderRequest } from '../../src/domain/encoder-record.js';
import type { ItemFilter } from '../../src/domain/filter.js';
import type { JobStep } from '../../src/domain/job.js';
import { JobFetches } from '../../src/services/jobs/job-fetches.js';
import { deletionJob } from '../../src/services/search/deletion-job.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';
import { pathOf } from '../support/media-files.js';

const NO_FETCHES = new JobFetches({ takeBytes: () => {}, addBytes: () => {} });

describeOnEachKind('the deletion of matching items', (kind) => {
  let app: TestApp;

  beforeAll(async () => {
    app = await openTestApp(kind);
    app.jobRunner.start(1);
  });
  afterAll(() => app.close());
  beforeEach(() => emptyCatalog(app.catalog));

  /** Texts 0 to `count` − 1, by turns of the classes even and odd. */
  async function store(count: number): Promise<void> {
    await app.catalog.database.run(
      `INSERT INTO item (id, home, modality, text, content_hash, external_id, metadata)
       SELECT id, id, 'TEXT', 'text ' || n, md5(n::text) || md5(n::text), 'n' || n, jsonb_build_object('odd', n % 2 = 1)
       FROM (SELECT n, gen_random_uuid() AS id FROM generate_series(0, $1 - 1) AS n) ids`,
      [count],
    );
  }

  async function ended(filter: ItemFilter, all = false) {
    const { id } = await app.deletions.begin(filter, all, LOCAL);
    await expect
      .poll(async () => (await app.jobs.require(id)).state, { timeout: 30_000 })
      .not.toMatch(/queued|running/);
    return await app.jobs.require(id);
  }

  it('deletes these and no others, in steps', async () => {
    await store(2_400);
    const job = await ended({ metadata: { odd: true } });
    expect(job).toMatchObject({
      kind: 'DELETION',
      state: 'succeeded',
      total: 1_200,
      done: 1_200,
      failed: 0,
      skipped: 0,
      message: '1200 items deleted.',
    });
    expect(await app.items.count(null)).toBe(1_200);
    expect(await app.items.count({ metadata: { odd: true } })).toBe(0);
  });

  it('removes pictures that no item uses, and spares items that are stored later', async () => {
    const picture = { content: { bytes: await drawShape('ring', 'red') }, classes: ['ring'] };
    const [outcome] = await app.ingest.ingest([picture]);
    if (outcome?.status !== 'CREATED') throw new Error('not stored');
    const path = pathOf(app.store.image(outcome.item.contentHash));
    expect(existsSync(path)).toBe(true);
    // A second process that has the job while items are stored.
    const steps: JobStep[] = [];
    const given = { filter: { classNames: ['ring'] }, before: new Date(Date.now() + 1) };
    await new Promise((resolve) => setTimeout(resolve, 5));
    await app.ingest.ingest([{ content: { text: 'late' }, classes: ['ring'] }]);
    await deletionJob({ catalog: app.catalog, media: app.store }).run(given, {
      id: 'x',
      position: null,
      requestedBy: 'test',
      fetches: NO_FETCHES,
      signal: new AbortController().signal,
      advance: async (step) => void steps.push(step),
    });
    expect(steps.map(({ done, total }) => [done, total])).toEqual([
      [0, 1],
      [1, undefined],
      [0, 1],
    ]);
    expect(existsSync(path)).toBe(false);
    expect(await app.items.count({ classNames: ['ring'] })).toBe(1);
  });

  it('counts items of a step that was not stored once', async () => {
    await store(1_200);
    const job = deletionJob({ catalog: app.catalog, media: app.store });
    const stored: JobStep[] = [];
    const filter = { filter: { modality: 'TEXT' as const }, before: new Date(Date.now() + 60_000) };
    // The process ends after it has deleted the second time, before it stores that.
    const run = (position: unknown, steps: number) =>
      job.run(filter, {
        id: 'x',
        position,
        requestedBy: 'test',
        fetches: NO_FETCHES,
        signal: new AbortController().signal,
        advance: async (step) => {
          if (steps === 0) throw new Error('killed');
          steps -= 1;
          stored.push(JSON.parse(JSON.stringify(step)));
        },
      });
    await expect(run(null, 2)).rejects.toThrow('killed');
    expect(await run(stored.at(-1)?.position, 99)).toBe('1200 items deleted.');
    expect(stored.reduce((sum, { done }) => sum + done, 0)).toBe(1_200);
    expect(await app.items.count(null)).toBe(0);
  });

  it('needs a condition, or the statement that all are meant', async () => {
    await store(3);
    const empty: ItemFilter[] = [
      {},
      { and: [] },
      { or: [{}, { modality: 'TEXT' }] },
      { metadata: {} },
      { and: [{ or: [] }] },
    ];
    for (const filter of empty)
      await expect(app.deletions.begin(filter, false, LOCAL)).rejects.toMatchObject({
        code: 'BAD_INPUT',
        field: ['all'],
      });
    await expect(app.deletions.begin({ classNames: ['none'] }, false, LOCAL)).rejects.toMatchObject({
      code: 'UNKNOWN_CLASS',
    });
    expect(await ended({}, true)).toMatchObject({ state: 'succeeded', done: 3 });
  });

  it('keeps every condition of a filter that is stored', async () => {
    await store(4);
    const [item] = (await app.items.page(null, 1, null)).items;
    const filter = { ids: [item?.item.id ?? ''], createdAfter: new Date(0), not: { metadata: { none: 1 } } };
    expect(await ended(filter)).toMatchObject({ state: 'succeeded', total: 1, done: 1 });
    const request = { preset: 'default', seed: 1, holdout: 0.1, learnFrom: filter };
    expect(encoderRequest.parse(JSON.parse(JSON.stringify(request))).learnFrom).toEqual(filter);
  });
});
