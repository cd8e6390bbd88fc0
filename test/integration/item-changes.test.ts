import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { LIMITS } from '../../src/domain/limits.js';
import { ChangeFeed, type ChangePage } from '../../src/services/search/change-feed.js';
import { describeOnEachKind, emptyCatalog, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';

/** A change of the feed becomes visible only when all transactions of the cluster that began before it have ended. */
const SOON = { timeout: 20_000, interval: 20 };

let test: TestCatalog;
let feed: ChangeFeed;
const catalog = (): Catalog => test.catalog;

/** The changes after a cursor, once there are so many. */
const changesAfter = async (cursor: string, count: number): Promise<ChangePage> =>
  await vi.waitUntil(async () => {
    const page = await feed.page(LIMITS.changePageSize, cursor);
    return page.changes.length >= count ? page : false;
  }, SOON);
const now = async () => (await feed.page(1, null)).position;
const store = async (text: string, classNames: readonly string[] = []) => {
  const [row] = await catalog().items.upsertMany([textWrite(text, { externalId: text, classNames })]);
  return row?.id ?? '';
};
const retitle = async (id: string, title: string) => {
  const [item] = await catalog().items.toUpdate([id], []);
  if (item === undefined) throw new Error('no such item');
  const { row, version, pairKey } = item;
  const words = { title, text: null, language: null };
  const kept = {
    id: row.id,
    version,
    metadata: {},
    language: null,
    pairKey,
    addedClasses: [],
    removedClasses: [],
  };
  return await catalog().items.update([{ ...kept, title, words }]);
};
const shortOf = ({ changes }: ChangePage) => changes.map(({ kind, itemId }) => [kind, itemId]);

describeOnEachKind('the feed of changes', (kind) => {
  beforeAll(async () => {
    test = await openTestCatalog(kind);
    feed = new ChangeFeed(test.catalog);
  });
  afterAll(() => test.dispose());
  beforeEach(() => emptyCatalog(catalog()));

  it('lists what is created, updated and deleted, oldest first', async () => {
    const start = await now();
    const [a, b] = [await store('a'), await store('b')];
    await retitle(a, 'A');
    await catalog().items.upsertMany([textWrite('b again', { id: b }), textWrite('c', { id: uuidv7() })]);
    await catalog().items.delete([a, uuidv7()]);
    const page = await changesAfter(start, 6);
    expect(shortOf(page).slice(0, 4)).toEqual([
      ['CREATED', a],
      ['CREATED', b],
      ['UPDATED', a],
      ['UPDATED', b],
    ]);
    expect(page.changes[4]?.kind).toBe('CREATED');
    expect(shortOf(page).slice(5)).toEqual([['DELETED', a]]);
    expect(page.changes.every(({ at }) => Math.abs(at.getTime() - Date.now()) < 60_000)).toBe(true);
    expect(page).toMatchObject({ hasNextPage: false, position: page.changes.at(-1)?.cursor });
    expect(await feed.page(5, page.position)).toMatchObject({ changes: [], position: page.position });
  });

  it('lists nothing that was rolled back', async () => {
    const start = await now();
    const refused = [textWrite('x', { externalId: 'same' }), textWrite('y', { externalId: 'same' })];
    await expect(catalog().items.upsertMany(refused)).rejects.toThrow('identity');
    const id = await store('z');
    expect(shortOf(await changesAfter(start, 1))).toEqual([['CREATED', id]]);
  });

  it('gives the same changes by pages of one', async () => {
    const start = await now();
    for (let i = 0; i < 5; i += 1) await store(`text ${i}`);
    const all = await changesAfter(start, 5);
    const stepwise = [];
    for (let page = await feed.page(1, start); ; page = await feed.page(1, page.position)) {
      stepwise.push(...page.changes);
      if (!page.hasNextPage) break;
    }
    expect(stepwise).toEqual(all.changes);
  });

  it('lists the items of a class that is renamed, merged or deleted', async () => {
    const [one, two, other] = [
      await store('1', ['x']),
      await store('2', ['x', 'y']),
      await store('3', ['z']),
    ];
    const [x, y, z] = await catalog().classes.byNames(['x', 'y', 'z']);
    if (!x || !y || !z) throw new Error('no classes');
    const updated = async (change: () => Promise<unknown>) => {
      const start = await now();
      await change();
      // It is the last change, so the others are listed too.
      await retitle(other, 'last');
      const all = await changesAfter(start, 1);
      const until = await vi.waitUntil(async () => {
        const page = await feed.page(LIMITS.changePageSize, start);
        return page.changes.at(-1)?.itemId === other ? page : false;
      }, SOON);
      expect(all.changes.every((change) => change.kind === 'UPDATED')).toBe(true);
      return until.changes
        .slice(0, -1)
        .map(({ itemId }) => itemId)
        .sort();
    };
    expect(await updated(() => catalog().classes.rename(x.id, { name: 'x', description: 'new' }))).toEqual(
      [],
    );
    expect(await updated(() => catalog().classes.rename(x.id, { name: 'X', description: null }))).toEqual(
      [one, two].sort(),
    );
    expect(await updated(() => catalog().classes.merge([y.id], z.id))).toEqual([two]);
    expect(await updated(() => catalog().classes.delete(x.id))).toEqual([one, two].sort());
  });

  it('refuses malformed cursors and those of other lists', async () => {
    const position = await now();
    const altered = (text: string) => Buffer.from(text).toString('base64url');
    const plain = Buffer.from(position, 'base64url').toString();
    const [print = '', place = ''] = plain.split(':');
    const wrong = [
      '',
      'nonsense',
      altered(`abc:${place}`),
      altered(`${print}:`),
      altered(`${print}:99999999999999999999.1.AAAAAAAAAAA`),
      altered(`${print}:1.9999999999999999999.AAAAAAAAAAA`),
      altered(`${print}:1.1.AAAAAAAAAA`),
    ];
    for (const cursor of wrong) {
      await expect(feed.page(1, cursor), cursor).rejects.toMatchObject({ code: 'BAD_CURSOR' });
    }
    // Beyond all changes, as after a restoration from a backup; and at a change that another catalogue has there.
    for (const place of [
      '18446744073709551615.1.AAAAAAAAAAA',
      plain.split(':')[1]?.replace(/.{11}$/, 'AAAAAAAAAAA'),
    ]) {
      await expect(feed.page(1, altered(`${print}:${place}`))).rejects.toMatchObject({
        code: 'BAD_CURSOR',
        message: expect.stringContaining('another catalogue'),
      });
    }
    await expect(feed.page(0, position)).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['first'] });
    await expect(feed.page(501, position)).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['first'] });
  });

  it('says when the changes after a cursor are no longer kept', async () => {
    const start = await now();
    await store('old 1');
    await store('old 2');
    const first = (await changesAfter(start, 2)).changes[0]?.cursor ?? '';
    await catalog().database.run(`UPDATE vectors.item_change SET at = at - interval '31 days'`);
    // A cursor holds the time of its change.
    const old = await feed.page(1, null);
    await store('new');
    const month = new Date(Date.now() - 30 * 24 * 3_600_000);
    expect(await catalog().itemChanges.sweep(month)).toBeGreaterThanOrEqual(2);
    expect(await catalog().itemChanges.sweep(month)).toBe(0);
    // The latest swept position stays valid, because nothing after it was swept.
    expect((await changesAfter(old.position, 1)).changes).toHaveLength(1);
    await expect(feed.page(1, first)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED', field: ['after'] });
    await expect(feed.page(1, start)).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
  });

  it('follows changes until the signal is aborted', async () => {
    const stop = new AbortController();
    const pages = await feed.follow(2, await now(), stop.signal);
    expect((await pages.next()).value).toMatchObject({ changes: [] });
    const ids = [await store('1'), await store('2'), await store('3')];
    const seen: string[] = [];
    for await (const page of pages) {
      expect(page.changes.length).toBeLessThanOrEqual(2);
      seen.push(...page.changes.map(({ itemId }) => itemId));
      if (seen.length === 3) stop.abort();
    }
    expect(seen).toEqual(ids);
    await expect(feed.follow(2, 'nonsense', stop.signal)).rejects.toMatchObject({ code: 'BAD_CURSOR' });
  });

  it('keeps its positions when the catalogue is opened again, and begins anew in another cluster', async () => {
    await store('before');
    const position = await now();
    await catalog().itemChanges.begin();
    expect(await now()).toBe(position);
    // As in a dump of a cluster with more transactions.
    await catalog().database.run(
      `INSERT INTO vectors.item_change (tx, item_id, kind) VALUES ('9000000000000000000', gen_random_uuid(), 'CREATED')`,
    );
    await catalog().itemChanges.begin();
    await expect(feed.page(1, position)).rejects.toMatchObject({ code: 'BAD_CURSOR' });
    const former = await now();
    await catalog().database.run('DELETE FROM vectors.item_change');
    await catalog().itemChanges.begin();
    await expect(feed.page(1, former)).rejects.toMatchObject({ code: 'BAD_CURSOR' });
    const fresh = await now();
    const id = await store('after');
    expect(shortOf(await changesAfter(fresh, 1))).toEqual([['CREATED', id]]);
  });
});

describe.skipIf(!process.env.TEST_DATABASE_URL)('changes of several servers (TEST_DATABASE_URL)', () => {
  // On a distributed database the two transactions take turns.
  it.skipIf(process.env.TEST_CITUS_URL)(
    'does not skip a transaction that commits after a later one',
    async () => {
      test = await openTestCatalog('server');
      const other = await openCatalog({ databaseUrl: test.url ?? '' });
      const blocker = new pg.Client({ connectionString: test.url ?? '' });
      await blocker.connect();
      try {
        feed = new ChangeFeed(test.catalog);
        const before = await now();
        const known = await store('known');
        const { position: start } = await changesAfter(before, 1);
        await blocker.query('BEGIN; LOCK TABLE item_class IN SHARE MODE');
        // It has stored its pair and its item, and waits to store its classes.
        const late = other.items.upsertMany([textWrite('late', { pairKey: 'late' })]);
        await vi.waitUntil(async () => {
          const { rows } = await blocker.query(
            `SELECT 1 FROM pg_locks WHERE relation = 'item_class'::regclass AND NOT granted`,
          );
          return rows.length > 0;
        }, SOON);
        await retitle(known, 'early');
        expect((await feed.page(9, start)).changes).toEqual([]);
        await blocker.query('COMMIT');
        const [row] = await late;
        expect(shortOf(await changesAfter(start, 2))).toEqual([
          ['CREATED', row?.id],
          ['UPDATED', known],
        ]);
      } finally {
        await blocker.end();
        await other.close();
        await test.dispose();
      }
    },
  );

  it('gives every change once to a reader beside eight writers', async () => {
    test = await openTestCatalog('server');
    const others = await Promise.all([1, 2].map(() => openCatalog({ databaseUrl: test.url ?? '' })));
    try {
      feed = new ChangeFeed(test.catalog);
      const start = await now();
      const wanted = new Set<string>();
      const write = async (by: Catalog, round: number) => {
        for (let i = 0; i < 10; i += 1) {
          const rows = await by.items.upsertMany(
            Array.from({ length: 1 + (i % 4) }, (_, k) =>
              textWrite(`${round} ${i} ${k} ${uuidv7()}`, { pairKey: `p${i}` }),
            ),
          );
          for (const { id } of rows) wanted.add(id);
        }
      };
      let writing = true;
      const writers = Promise.all(
        others.flatMap((by, n) => [0, 1, 2, 3].map((k) => write(by, 4 * n + k))),
      ).finally(() => {
        writing = false;
      });
      const seen: string[] = [];
      const deadline = Date.now() + SOON.timeout;
      for (let position = start; writing || (seen.length < wanted.size && Date.now() < deadline); ) {
        const page = await feed.page(7, position);
        seen.push(...page.changes.map(({ itemId }) => itemId));
        position = page.position;
      }
      await writers;
      expect(seen.length).toBe(wanted.size);
      expect(new Set(seen)).toEqual(wanted);
    } finally {
      await Promise.all(others.map((one) => one.close()));
      await test.dispose();
    }
  });
});
