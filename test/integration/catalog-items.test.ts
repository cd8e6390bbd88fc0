import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import { IdentityConflict } from '../../src/catalog/repositories/item-identities.js';
import type { ItemOrder, ItemPosition } from '../../src/domain/item-order.js';
import { describeOnEachDatabase, emptyCatalog } from '../support/catalog.js';
import { imageWrite, sha256, textWrite } from '../support/catalog-items.js';

describeOnEachDatabase('items of the catalogue', (catalog) => {
  beforeEach(() => emptyCatalog(catalog()));

  it('stores items and returns them in the order of the writes', async () => {
    const { items } = catalog();
    const image = imageWrite('tiger.png', {
      externalId: 'k1',
      title: 'Tiger',
      metadata: { vendor: 'google', nested: { a: [1, 'ü'] } },
      pairKey: 'tiger',
      classNames: ['cat', 'animal'],
    });
    const text = textWrite('a \'striped\' \\ "big" cat 虎', {
      pairKey: 'tiger',
      text: { text: '虎', language: 'zh' },
    });
    const rows = await items.upsertMany([text, image]);
    expect(rows.map((row) => row.id)).toEqual([text.id, image.id]);
    expect(rows[0]).toMatchObject({
      modality: 'TEXT',
      text: '虎',
      language: 'zh',
      externalId: null,
      title: null,
    });
    expect(rows[1]).toMatchObject({
      modality: 'IMAGE',
      mediaType: 'image/png',
      width: 64,
      height: 48,
      externalId: 'k1',
      title: 'Tiger',
      metadata: { vendor: 'google', nested: { a: [1, 'ü'] } },
      contentHash: sha256('tiger.png'),
    });
    expect(rows[0]?.pairId).toBe(rows[1]?.pairId);
    expect(await items.byIds([image.id, uuidv7(), text.id])).toEqual([rows[1], rows[0]]);
    expect(await items.byExternalId('k1')).toEqual(rows[1]);
    expect(await items.byExternalId('k2')).toBeNull();
    expect(await items.byId(uuidv7())).toBeNull();
    const classes = await items.classesOf([image.id, text.id]);
    expect(classes.get(image.id)?.map((row) => row.name)).toEqual(['animal', 'cat']);
    expect(classes.get(text.id)).toEqual([]);
    expect(await items.countByModality()).toEqual({ IMAGE: 1, TEXT: 1 });
  });

  it('replaces an item by its id, with its classes and pair, and keeps its creation time', async () => {
    const { items } = catalog();
    const before = textWrite('one', { classNames: ['a', 'b'], pairKey: 'p', title: 'old' });
    const [first] = await items.upsertMany([before]);
    const after = { ...before, title: 'new', classNames: ['b', 'c'], pairKey: null, metadata: { x: 1 } };
    const [second] = await items.upsertMany([after]);
    expect(second).toMatchObject({ id: before.id, title: 'new', pairId: null, metadata: { x: 1 } });
    expect(second?.createdAt).toEqual(first?.createdAt);
    const classes = await items.classesOf([before.id]);
    expect(classes.get(before.id)?.map((row) => row.name)).toEqual(['b', 'c']);
    expect(await items.count(null)).toBe(1);
  });

  it('finds existing items by external id, or by content within the pair', async () => {
    const { items } = catalog();
    const keyed = textWrite('same', { externalId: 'k', pairKey: 'p1', classNames: ['z', 'a'] });
    const paired = textWrite('same', { pairKey: 'p1' });
    const alone = textWrite('same');
    await items.upsertMany([keyed, paired, alone]);
    const identity = { modality: 'TEXT' as const, contentHash: sha256('same') };
    const found = await items.findExisting([
      { ...identity, pairKey: null },
      { externalId: 'k' },
      { externalId: 'other' },
      { ...identity, pairKey: 'p1' },
      { ...identity, pairKey: 'never seen' },
      { ...identity, modality: 'IMAGE', pairKey: null },
      { externalId: 'k' },
    ]);
    expect(found.map((item) => item?.row.id ?? null)).toEqual([
      alone.id,
      keyed.id,
      null,
      paired.id,
      null,
      null,
      keyed.id,
    ]);
    expect(found[1]).toMatchObject({ pairKey: 'p1', classNames: ['a', 'z'] });
    expect(found[0]).toMatchObject({ pairKey: null, classNames: [] });
  });

  it('refuses a second item of one identity, and then writes nothing of the batch', async () => {
    const { items } = catalog();
    await items.upsertMany([textWrite('a', { externalId: 'k' }), textWrite('b')]);
    const twice = [
      textWrite('c', { classNames: ['new'], pairKey: 'new' }),
      textWrite('d', { externalId: 'k' }),
    ];
    await expect(items.upsertMany(twice)).rejects.toThrow(IdentityConflict);
    await expect(items.upsertMany([textWrite('b')])).rejects.toThrow(IdentityConflict);
    expect(await items.count(null)).toBe(2);
    expect(await catalog().classes.allNames()).toEqual([]);
    await items.upsertMany([textWrite('b', { pairKey: 'p' }), textWrite('a')]);
    expect(await items.count(null)).toBe(4);
  });

  it('accepts concurrent writers of the same pairs and classes', async () => {
    const { items, classes } = catalog();
    const names = ['c3', 'c1', 'c2'];
    await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        items.upsertMany(
          names.map((name, n) =>
            textWrite(`${i} ${name}`, { pairKey: `p${(i + n) % 3}`, classNames: [name] }),
          ),
        ),
      ),
    );
    expect(await items.count(null)).toBe(18);
    expect(await classes.allNames()).toEqual(['c1', 'c2', 'c3']);
  });

  it('returns counterparts; those of a caption are the image and the other captions', async () => {
    const { items } = catalog();
    const image = imageWrite('i', { pairKey: 'p' });
    const one = textWrite('1', { pairKey: 'p' });
    const two = textWrite('2', { pairKey: 'p' });
    const alone = textWrite('3');
    await items.upsertMany([image, one, two, alone]);
    const pages = await items.counterparts([
      { itemId: image.id, afterId: null, limit: 9 },
      { itemId: one.id, afterId: null, limit: 1 },
      { itemId: alone.id, afterId: null, limit: 9 },
      { itemId: one.id, afterId: image.id, limit: 9 },
      { itemId: uuidv7(), afterId: null, limit: 9 },
    ]);
    expect(pages.map((page) => page.map((row) => row.id))).toEqual([
      [one.id, two.id],
      [image.id],
      [],
      [two.id],
      [],
    ]);
    const counts = await items.countCounterparts([image.id, alone.id]);
    expect([counts.get(image.id), counts.get(alone.id)]).toEqual([2, 0]);
  });

  it('deletes everything that belongs to one item only', async () => {
    const { items, encoders, vectors, database, media } = catalog();
    const encoderId = uuidv7();
    await encoders.create(
      { id: encoderId, dimension: 2, imageExtractor: 'i@1', textExtractor: 't@1', config: {}, report: {} },
      new Uint8Array([1]),
    );
    const vector = Float32Array.of(1, 0);
    const extra = { features: new Map([['i@1', vector]]), embeddings: new Map([[encoderId, vector]]) };
    const shown = imageWrite('shown twice', { pairKey: 'p', classNames: ['c'], ...extra });
    const again = imageWrite('shown twice', { externalId: 'again', ...extra });
    const only = imageWrite('shown once', { pairKey: 'q', ...extra });
    await items.upsertMany([shown, again, only]);
    expect(await vectors.itemEmbedding(encoderId, only.id)).toEqual(vector);

    const missing = uuidv7();
    const { deletedIds, contentHashes } = await items.delete([only.id, missing, shown.id]);
    expect(deletedIds).toEqual([only.id, shown.id]);
    expect([...contentHashes].sort()).toEqual([sha256('shown once'), sha256('shown twice')].sort());
    const removed: string[] = [];
    const remove = async (hash: string) => removed.push(hash);
    expect(await media.removeUnreferenced(contentHashes, remove)).toEqual([sha256('shown once')]);
    expect(removed).toEqual([sha256('shown once')]);
    expect(await media.find(sha256('shown once'))).toBeNull();
    expect(await media.find(sha256('shown twice'))).toMatchObject({ mediaType: 'image/png', width: 64 });
    const [left] = await database.runOnce(
      `SELECT (SELECT count(*) FROM pair)::int AS pairs, (SELECT count(*) FROM item_class)::int AS classes,
         (SELECT count(*) FROM feature)::int AS features, (SELECT count(*) FROM embedding)::int AS embeddings`,
    );
    expect(left).toEqual({ pairs: 0, classes: 0, features: 1, embeddings: 1 });
  });

  it('deletes the vectors of replaced content', async () => {
    const { items, vectors } = catalog();
    const write = textWrite('before', { features: new Map([['old@1', Float32Array.of(1, 0)]]) });
    await items.upsertMany([write]);
    await items.upsertMany([{ ...write, title: 'renamed', features: new Map() }]);
    expect(await vectors.itemFeature(write.id, 'old@1')).not.toBeNull();
    const features = new Map([['new@1', Float32Array.of(0, 1)]]);
    await items.upsertMany([
      { ...write, contentHash: sha256('after'), text: { text: 'after', language: null }, features },
    ]);
    expect(await vectors.itemFeature(write.id, 'old@1')).toBeNull();
    expect(await vectors.itemFeature(write.id, 'new@1')).toEqual(Float32Array.of(0, 1));
  });

  it('pages through items in the order of their ids, each exactly once', async () => {
    const { items } = catalog();
    const writes = Array.from({ length: 25 }, (_, i) => (i % 5 === 0 ? imageWrite : textWrite)(`n${i}`));
    await items.upsertMany(writes);
    const seen: string[] = [];
    for (let afterId: string | null = null; ; afterId = seen.at(-1) ?? null) {
      const page = await items.page({ filter: { modality: 'TEXT' }, afterId, limit: 6 });
      if (page.length === 0) break;
      seen.push(...page.map((row) => row.id));
    }
    expect(seen).toEqual(writes.filter((write) => write.modality === 'TEXT').map((write) => write.id));
  });

  describe.each(['ASC', 'DESC'] as const)('pages through items in an order, %s', (direction) => {
    /** Ids of all pages of three. After the first page, `between` runs. */
    async function pages(order: ItemOrder, between: () => Promise<unknown>): Promise<string[]> {
      const { items } = catalog();
      const seen: string[] = [];
      for (let after: ItemPosition | null = null; ; ) {
        const page = await items.ordered({ filter: { modality: 'TEXT' }, order, after, limit: 3 });
        const last = page.at(-1);
        if (last === undefined) return seen;
        seen.push(...page.map((row) => row.id));
        after = { id: last.id, value: order.field === 'TITLE' ? last.title : last.createdAt };
        if (seen.length === 3) await between();
      }
    }
    const backwards = direction === 'DESC';
    const inOrder = <T>(values: readonly T[]) => (backwards ? values.toReversed() : [...values]);

    it('by title: by code point, then by id, those without a title last', async () => {
      const { items } = catalog();
      const long = 'm'.repeat(999);
      const titles = ['A', 'B', 'B', 'a', `${long}1`, `${long}2`, 'z', 'é', '\u{ffff}', '\u{10000}'];
      const titled = titles.map((title, i) => textWrite(`t${i}`, { title }));
      const untitled = [0, 1, 2, 3].map((i) => textWrite(`u${i}`));
      await items.upsertMany([...untitled, ...titled, imageWrite('i', { title: 'B' })]);
      // Titles before and after the first page.
      const insert = () => items.upsertMany([textWrite('before', { title: backwards ? '\u{10ffff}' : '0' })]);
      const expected = [...inOrder(titled), ...inOrder(untitled)].map((write) => write.id);
      expect(await pages({ field: 'TITLE', direction }, insert)).toEqual(expected);
    });

    it('by the time of creation, then by id', async () => {
      const { items, database } = catalog();
      const writes = Array.from({ length: 8 }, (_, i) => textWrite(`n${i}`));
      await items.upsertMany(writes);
      // The last four are older, and two of each group have the same time.
      for (const [i, { id }] of writes.entries()) {
        const minute = (i < 4 ? 10 : 0) + Math.floor((i % 4) / 2);
        await database.run(
          `UPDATE item SET created_at = '2026-01-01T00:00Z'::timestamptz + $2 * interval '1 minute' WHERE id = $1`,
          [id, minute],
        );
      }
      const byTime = [...writes.slice(4), ...writes.slice(0, 4)].map((write) => write.id);
      const remove = () => items.delete([inOrder(byTime)[2] ?? '']);
      expect(await pages({ field: 'CREATED_AT', direction }, remove)).toEqual(inOrder(byTime));
    });
  });

  it('applies every kind of filter', async () => {
    const { items } = catalog();
    const cat = imageWrite('cat', {
      classNames: ['cat', 'animal'],
      metadata: { vendor: 'g', tags: ['a', 'b'] },
    });
    const dog = imageWrite('dog', { classNames: ['dog', 'animal'], metadata: { vendor: 't', tags: ['b'] } });
    const word = textWrite('cat', { classNames: ['cat'], metadata: { vendor: 'g', deep: { x: 1, y: 2 } } });
    const bare = textWrite("Robert'); DROP TABLE item;--", { metadata: { quote: "it's" } });
    const [row] = await items.upsertMany([cat, dog, word, bare]);
    const names = new Map(
      [cat, dog, word, bare].map((write, i) => [write.id, ['cat', 'dog', 'word', 'bare'][i]]),
    );
    const match = async (filter: Parameters<typeof items.idsOf>[0]) => {
      const ids = await items.idsOf(filter);
      expect(await items.count(filter)).toBe(ids.length);
      return ids.map((id) => names.get(id));
    };
    const createdAt = row?.createdAt ?? new Date();
    const later = new Date(createdAt.getTime() + 1);
    expect(await match(null)).toEqual(['cat', 'dog', 'word', 'bare']);
    expect(await match({})).toEqual(['cat', 'dog', 'word', 'bare']);
    expect(await match({ modality: 'IMAGE' })).toEqual(['cat', 'dog']);
    expect(await match({ classNames: ['cat', 'dog'] })).toEqual(['cat', 'dog', 'word']);
    expect(await match({ classNames: [] })).toEqual([]);
    expect(await match({ ids: [dog.id.toUpperCase(), bare.id, uuidv7(), 'nonsense'] })).toEqual([
      'dog',
      'bare',
    ]);
    expect(await match({ ids: [] })).toEqual([]);
    expect(await match({ ids: [cat.id, dog.id], not: { ids: [cat.id] } })).toEqual(['dog']);
    expect(await match({ metadata: { vendor: 'g' } })).toEqual(['cat', 'word']);
    expect(await match({ metadata: { deep: { x: 1 } } })).toEqual(['word']);
    expect(await match({ metadata: { tags: ['b'] } })).toEqual(['cat', 'dog']);
    expect(await match({ metadata: { quote: "it's" } })).toEqual(['bare']);
    expect(await match({ createdAfter: createdAt })).toHaveLength(4);
    expect(await match({ createdAfter: later })).toEqual([]);
    expect(await match({ createdBefore: later })).toHaveLength(4);
    expect(await match({ createdBefore: createdAt })).toEqual([]);
    expect(await match({ modality: 'IMAGE', classNames: ['cat'] })).toEqual(['cat']);
    expect(await match({ or: [{ classNames: ['dog'] }, { metadata: { quote: "it's" } }] })).toEqual([
      'dog',
      'bare',
    ]);
    expect(await match({ or: [] })).toEqual([]);
    expect(await match({ and: [] })).toHaveLength(4);
    expect(await match({ not: { classNames: ['animal'] } })).toEqual(['word', 'bare']);
    expect(await match({ not: { and: [{ modality: 'IMAGE' }, { not: { classNames: ['dog'] } }] } })).toEqual([
      'dog',
      'word',
      'bare',
    ]);
    expect(await match({ modality: 'TEXT', or: [{ modality: 'IMAGE' }, { classNames: ['cat'] }] })).toEqual([
      'word',
    ]);
  });

  it('returns the items that lack a feature', async () => {
    const { items } = catalog();
    const has = textWrite('has', { features: new Map([['t@9', Float32Array.of(1)]]) });
    const lacks = textWrite('lacks', { features: new Map([['other@9', Float32Array.of(1)]]) });
    await items.upsertMany([has, lacks, imageWrite('i')]);
    const lacking = await items.withoutFeature('t@9', 'TEXT', { afterId: null, limit: 9 });
    expect(lacking.map((row) => row.id)).toEqual([lacks.id]);
    expect(await items.countWithoutFeature('t@9', 'TEXT')).toBe(1);
    const [first] = await items.withoutFeature('never@1', 'TEXT', { afterId: null, limit: 1 });
    const rest = await items.withoutFeature('never@1', 'TEXT', { afterId: first?.id ?? null, limit: 9 });
    expect([first, ...rest].map((row) => row?.id)).toEqual([has.id, lacks.id].sort());
    expect(await items.countWithoutFeature('never@1', 'TEXT')).toBe(2);
  });
});
