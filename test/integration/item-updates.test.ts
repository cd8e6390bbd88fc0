import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ItemChangeInput } from '../../src/services/ingest/item-change-input.js';
import { ItemUpdates } from '../../src/services/ingest/item-updates.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';

describeOnEachKind('updates of items', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(() => app.close());
  beforeEach(async () => {
    await emptyCatalog(app.catalog);
    const outcomes = await app.ingest.ingest([
      {
        content: { text: 'a grey donkey' },
        externalId: 'donkey',
        title: 'Donkey',
        classes: ['animal', 'grey'],
        pairKey: 'd',
        metadata: { year: 1, language: 'en' },
      },
      { content: { text: 'un âne gris' }, externalId: 'âne', pairKey: 'd' },
      { content: { text: 'without key' }, pairKey: 'p' },
      { content: { text: 'without key' }, pairKey: 'q' },
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(Array(4).fill('CREATED'));
  });

  const update = (changes: readonly ItemChangeInput[]) => app.itemUpdates.update(changes, ['items']);
  const stored = async (externalId = 'donkey') => {
    const row = await app.items.byExternalId(externalId);
    const [item] = await app.catalog.items.toUpdate([row?.id ?? ''], []);
    if (item === undefined) throw new Error('no such item');
    return { ...item.row, pairKey: item.pairKey, classNames: item.classNames };
  };
  const features = async (): Promise<unknown> =>
    await app.catalog.database.runOnce('SELECT item_id, extractor, vec::text FROM feature ORDER BY 1, 2');
  const pairKeys = async () => {
    const rows = await app.catalog.database.runOnce<{ key: string }>('SELECT key FROM pair ORDER BY key');
    return rows.map(({ key }) => key);
  };

  it('change what is given and keep the rest, with the vectors', async () => {
    const [before, vectors] = [await stored(), await features()];
    const [outcome] = await update([{ externalId: 'donkey', title: 'Grey ears' }]);
    expect(outcome).toMatchObject({ status: 'UPDATED', item: { id: before.id, title: 'Grey ears' } });
    expect(await stored()).toEqual({ ...before, title: 'Grey ears' });
    expect(await features()).toEqual(vectors);
    expect(await update([{ id: before.id.toUpperCase(), title: 'Grey ears' }])).toMatchObject([
      { status: 'UNCHANGED' },
    ]);
  });

  it('clear by null', async () => {
    await update([{ externalId: 'donkey', title: null, metadata: null, pairKey: null, classes: null }]);
    expect(await stored()).toMatchObject({
      title: null,
      metadata: {},
      language: null,
      pairKey: null,
      pairId: null,
      classNames: [],
    });
  });

  it('replace, add and remove classes', async () => {
    await update([{ externalId: 'donkey', addClasses: [' new '], removeClasses: ['grey', 'unknown'] }]);
    expect((await stored()).classNames).toEqual(['animal', 'new']);
    await update([{ externalId: 'donkey', classes: ['animal', 'other'] }]);
    expect((await stored()).classNames).toEqual(['animal', 'other']);
    expect(await app.catalog.classes.allNames()).toEqual(['animal', 'grey', 'new', 'other']);
  });

  it('are found by the words of the new title at once', async () => {
    const find = async (text: string) => {
      const expanded = await app.catalog.words.expand(text);
      const { hits } = await app.catalog.words.rank(expanded, { target: null, filter: null, limit: 9 });
      return hits.length > 0;
    };
    expect([await find('zebra'), await find('donkey')]).toEqual([false, true]);
    await update([{ externalId: 'donkey', title: 'Zebra' }]);
    expect([await find('zebra'), await find('grey')]).toEqual([true, true]);
  });

  it('count in the classes at once', async () => {
    const page = await app.classes.page('animal', null, 1, null);
    const id = page.classes[0]?.row.id ?? '';
    expect((await app.classes.itemCounts([id], null)).get(id)).toBe(1);
    await update([{ externalId: 'âne', addClasses: ['animal'] }]);
    expect((await app.classes.itemCounts([id], null)).get(id)).toBe(2);
  });

  it('move items between pairs, and leave no pair without an item', async () => {
    await update([{ externalId: 'âne', pairKey: 'fresh' }]);
    expect(await pairKeys()).toEqual(['d', 'fresh', 'p', 'q']);
    await update([{ externalId: 'donkey', pairKey: 'fresh' }]);
    expect(await pairKeys()).toEqual(['fresh', 'p', 'q']);
    const [item, other] = [await stored(), await stored('âne')];
    const [counterparts] = await app.items.counterparts([{ itemId: item.id, afterId: null, limit: 9 }]);
    expect(counterparts?.map(({ id }) => id)).toEqual([other.id]);
  });

  it('answer for every change, in order', async () => {
    const outcomes = await update([
      { externalId: 'nothing', title: 'x' },
      { externalId: 'donkey', title: 'one' },
      { externalId: 'donkey', id: 'x', title: 'x' },
      { externalId: 'donkey', title: 'two', addClasses: ['a'], removeClasses: ['a'] },
      { externalId: 'donkey', title: 'x'.repeat(1_001) },
      { externalId: 'donkey', classes: [], addClasses: ['a'] },
      { externalId: 'donkey', metadata: { key: 'nul \u0000' } },
      { externalId: 'donkey', addClasses: ['after'] },
      { id: 'nonsense', title: 'x' },
      { externalId: 'donkey', addClasses: Array.from({ length: 63 }, (_, i) => `class ${i}`) },
    ]);
    expect(outcomes.map((one) => (one.status === 'FAILED' ? one.error : one.status))).toEqual([
      expect.objectContaining({ code: 'ITEM_NOT_FOUND', field: ['items', '0', 'externalId'] }),
      'UPDATED',
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '2'] }),
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '3', 'addClasses', '0'] }),
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '4', 'title'] }),
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '5', 'classes'] }),
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '6', 'metadata'] }),
      'UPDATED',
      expect.objectContaining({ code: 'ITEM_NOT_FOUND', field: ['items', '8', 'id'] }),
      expect.objectContaining({ code: 'BAD_INPUT', field: ['items', '9', 'addClasses'] }),
    ]);
    expect(await stored()).toMatchObject({ title: 'one', classNames: ['after', 'animal', 'grey'] });
  });

  it('refuse an identity that another item has, and a pair that is full', async () => {
    const p = await app.catalog.database.runOnce<{ id: string }>(
      `SELECT i.id FROM item i JOIN pair p ON p.id = i.pair_id AND p.home = i.home WHERE p.key = 'p'`,
    );
    const id = p[0]?.id ?? '';
    const texts = Array.from({ length: 64 }, (_, i) => ({ content: { text: `text ${i}` }, pairKey: 'full' }));
    await app.ingest.ingest(texts);
    const outcomes = await update([
      { externalId: 'âne', title: 'written' },
      { id, pairKey: 'q' },
      { externalId: 'donkey', pairKey: 'full' },
    ]);
    expect(outcomes.map((one) => (one.status === 'FAILED' ? one.error : one.status))).toEqual([
      'UPDATED',
      expect.objectContaining({ code: 'ITEM_EXISTS', field: ['items', '1', 'pairKey'] }),
      expect.objectContaining({ code: 'PAIR_TOO_LARGE', field: ['items', '2', 'pairKey'] }),
    ]);
    expect((await stored('âne')).title).toBe('written');
  });

  it('are refused as a whole where too many wait, and change nothing then', async () => {
    const updates = new ItemUpdates(app.catalog, (error) => app.unexpected.push(error), 2);
    const settled = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        updates.update([{ externalId: 'donkey', addClasses: [`number ${i}`] }], ['items']),
      ),
    );
    const refused = { status: 'rejected', reason: expect.objectContaining({ code: 'BUSY', retryAfter: 1 }) };
    // One is written, and two wait for it.
    expect(settled).toEqual([
      ...Array(3).fill(expect.objectContaining({ status: 'fulfilled' })),
      ...Array(3).fill(refused),
    ]);
    expect((await stored()).classNames).toEqual(['animal', 'grey', 'number 0', 'number 1', 'number 2']);
  });

  it('lose nothing when they meet', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `class ${String(i).padStart(2, '0')}`);
    const all = await Promise.all(
      names.map((name) =>
        update([
          { externalId: 'donkey', addClasses: [name] },
          { externalId: 'âne', title: name },
        ]),
      ),
    );
    expect(all.flat().map(({ status }) => status)).toEqual(Array(24).fill('UPDATED'));
    expect((await stored()).classNames).toEqual(['animal', ...names, 'grey']);
    expect(app.unexpected).toEqual([]);
  });
});
