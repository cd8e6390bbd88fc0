import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { IngestOutcome } from '../../src/services/ingest/ingest-outcome.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';
import { waitForLock, withClient } from '../support/lost-connection.js';

describeOnEachKind('a deletion during an ingest', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(async () => {
    expect(app.unexpected).toEqual([]);
    await app.close();
  });

  async function ingest(input: Parameters<TestApp['ingest']['ingest']>[0][number]): Promise<string> {
    const [outcome] = await app.ingest.ingest([input]);
    return created(outcome);
  }

  function created(outcome: IngestOutcome | undefined): string {
    if (outcome?.status !== 'CREATED') throw new Error(JSON.stringify(outcome));
    return outcome.item.id;
  }

  /** Resolves when the work is done, or waits for the database. */
  async function doneOrWaiting(work: Promise<unknown>, locks: number): Promise<void> {
    let done = false;
    work.then(
      () => {
        done = true;
      },
      () => {
        done = true;
      },
    );
    if (app.url === null) {
      await expect
        .poll(() => done || app.catalog.database.pool.waitingCount > 0, { timeout: 30_000 })
        .toBe(true);
    } else {
      await withClient(app.url, (client) => waitForLock(client, locks, () => done));
    }
  }

  it('keeps the file of an item that is created while the file is removed', async () => {
    const bytes = await drawShape('circle', 'blue');
    const first = await ingest({ content: { bytes }, externalId: 'first' });
    const { remove } = app.store;
    let second: Promise<string> | undefined;
    app.store.remove = async (sha256) => {
      app.store.remove = remove;
      second = ingest({ content: { bytes }, externalId: 'second' });
      await doneOrWaiting(second, 1);
      return await remove(sha256);
    };
    await app.items.delete([first]);
    const item = await app.items.byId((await second) ?? '');
    expect(item).toMatchObject({ externalId: 'second' });
    expect(await app.store.image(item?.contentHash ?? '').read()).toEqual(bytes);
    expect(await app.catalog.media.find(item?.contentHash ?? '')).not.toBeNull();
  });

  it('keeps an upload that is made while the file is removed', async () => {
    const bytes = await drawShape('square', 'blue');
    const first = await ingest({ content: { bytes }, externalId: 'shows the upload' });
    const { remove } = app.store;
    let upload: ReturnType<TestApp['media']['upload']> | undefined;
    app.store.remove = async (sha256) => {
      app.store.remove = remove;
      upload = app.media.upload(bytes);
      await doneOrWaiting(upload, 1);
      return await remove(sha256);
    };
    await app.items.delete([first]);
    const sha256 = (await upload)?.sha256 ?? '';
    expect(await app.store.image(sha256).read()).toEqual(bytes);
    expect(await app.catalog.media.find(sha256)).not.toBeNull();
  });

  /**
   * Holds an ingest inside its transaction, where it has locked its pair and picture and not yet written its item, and
   * runs a deletion until that is done or waits for the ingest.
   */
  async function deleteDuring(id: string, input: Parameters<typeof ingest>[0]): Promise<string> {
    const blocker = new pg.Client({ connectionString: app.url ?? '' });
    await blocker.connect();
    try {
      await blocker.query('BEGIN');
      const name = `blocked ${id}`;
      await blocker.query(`INSERT INTO class (id, name) VALUES (gen_random_uuid(), $1)`, [name]);
      const ingesting = ingest({ ...input, classes: [name] });
      await withClient(app.url ?? '', (client) => waitForLock(client, 1));
      const deleting = app.items.delete([id]);
      await doneOrWaiting(deleting, 2);
      await blocker.query('ROLLBACK');
      const [itemId] = await Promise.all([ingesting, deleting]);
      return itemId;
    } finally {
      await blocker.end();
    }
  }

  it.skipIf(kind === 'embedded')('keeps the file of an item whose ingest commits first', async () => {
    const bytes = await drawShape('triangle', 'blue');
    const first = await ingest({ content: { bytes }, externalId: 'early' });
    const item = await app.items.byId(await deleteDuring(first, { content: { bytes }, externalId: 'late' }));
    expect(await app.store.image(item?.contentHash ?? '').read()).toEqual(bytes);
    expect(await app.items.byId(first)).toBeNull();
  });

  it.skipIf(kind === 'embedded')('keeps the pair of an item whose ingest commits first', async () => {
    const first = await ingest({ content: { text: 'the only item' }, pairKey: 'shared' });
    const second = await deleteDuring(first, { content: { text: 'the next item' }, pairKey: 'shared' });
    const third = await ingest({ content: { text: 'a third item' }, pairKey: 'shared' });
    const [counterparts] = await app.items.counterparts([{ itemId: second, afterId: null, limit: 9 }]);
    expect(counterparts?.map((item) => item.id)).toEqual([third]);
  });
});
