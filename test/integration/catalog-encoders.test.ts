import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import { describeOnEachDatabase, emptyCatalog } from '../support/catalog.js';
import { imageWrite, textWrite } from '../support/catalog-items.js';

describeOnEachDatabase('encoders, classes and media of the catalogue', (catalog) => {
  beforeEach(() => emptyCatalog(catalog()));

  describe('encoders', () => {
    const row = (differing: object = {}) => ({
      id: uuidv7(),
      dimension: 64,
      imageExtractor: 'i@1',
      textExtractor: 't@1',
      config: { seed: 1 },
      report: {},
      ...differing,
    });

    it('are stored with their weights, which come back as they were', async () => {
      const { encoders } = catalog();
      const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);
      const given = row({ report: { map: 0.5, nested: { at: [1, 2] } } });
      const stored = await encoders.create(given, weights);
      expect(stored).toMatchObject({ ...given, state: 'ready', createdAt: expect.any(Date) });
      expect(Buffer.compare(await encoders.weights(given.id), weights)).toBe(0);
      expect(await encoders.byId(given.id)).toEqual(stored);
      expect(await encoders.byId(uuidv7())).toBeNull();
      await expect(encoders.weights(uuidv7())).rejects.toThrow('no weights');
    });

    it('are refused when their weights were damaged', async () => {
      const { encoders, database } = catalog();
      const given = row();
      await encoders.create(given, Uint8Array.of(1, 2, 3));
      await database.runOnce(`UPDATE encoder_weights SET bytes = '\\x010204' WHERE encoder_id = $1`, [
        given.id,
      ]);
      await expect(encoders.weights(given.id)).rejects.toThrow('damaged');
    });

    it('take turns: one at most is active, and an earlier one can be again', async () => {
      const { encoders, database } = catalog();
      const [first, second] = [row(), row()];
      await encoders.create(first, new Uint8Array());
      await encoders.create(second, new Uint8Array());
      expect(await encoders.active()).toBeNull();
      const states = async () => new Map((await encoders.list()).map(({ id, state }) => [id, state]));
      for (const [on, off] of [
        [first, second],
        [second, first],
        [first, second],
      ] as const) {
        expect(await encoders.activate(on.id)).toMatchObject({ id: on.id, state: 'active' });
        const active = await encoders.active();
        expect(active).toEqual(await encoders.byId(on.id));
        expect((await states()).get(off.id)).not.toBe('active');
      }
      expect(await states()).toEqual(
        new Map([
          [first.id, 'active'],
          [second.id, 'retired'],
        ]),
      );
      await encoders.activate(first.id);
      expect((await encoders.active())?.id).toBe(first.id);
      await expect(encoders.activate(uuidv7())).rejects.toThrow();
      expect((await encoders.active())?.id).toBe(first.id);
      const two = database.runOnce(`UPDATE encoder SET state = 'active'`);
      await expect(two).rejects.toMatchObject({ constraint: 'encoder_one_active_key' });
    });

    it('have a report that can be replaced', async () => {
      const { encoders } = catalog();
      const given = row();
      await encoders.create(given, new Uint8Array());
      await encoders.updateReport(given.id, { seen: { i2t_map: 0.5 } });
      expect((await encoders.byId(given.id))?.report).toEqual({ seen: { i2t_map: 0.5 } });
    });
  });

  describe('classes', () => {
    const all = { search: null, seen: null, seenIds: [], afterName: null, limit: 100 };

    it('are made by name, once', async () => {
      const { classes } = catalog();
      const made = await classes.create('animal-bird', 'feathers');
      expect(made).toEqual({ id: made.id, name: 'animal-bird', description: 'feathers' });
      await expect(classes.create('animal-bird', null)).rejects.toMatchObject({
        code: 'CLASS_EXISTS',
        field: ['name'],
      });
      expect(await classes.create('Animal-bird', null)).toMatchObject({ name: 'Animal-bird' });
      expect(await classes.byNames(['nothing', 'animal-bird'])).toEqual([made]);
      expect(await classes.byId(made.id)).toEqual(made);
      expect(await classes.byId(uuidv7())).toBeNull();
    });

    it('are listed by name, page after page, in the same order on every server', async () => {
      const { classes } = catalog();
      const names = ['zebra', 'Apple', 'éclair', 'apple', 'a_b', 'a%b', '虎', 'banana'];
      for (const name of names) await classes.create(name, null);
      const listed: string[] = [];
      for (;;) {
        const page = await classes.page({ ...all, afterName: listed.at(-1) ?? null, limit: 3 });
        if (page.length === 0) break;
        listed.push(...page.map((row) => row.name));
      }
      expect(listed).toEqual(names.sort());
      const search = async (part: string) => {
        const found = await classes.page({ ...all, search: part });
        expect(await classes.count({ ...all, search: part })).toBe(found.length);
        return found.map((row) => row.name);
      };
      expect(await search('APP')).toEqual(['Apple', 'apple']);
      expect(await search('_')).toEqual(['a_b']);
      expect(await search('%')).toEqual(['a%b']);
      expect(await search('\\')).toEqual([]);
      expect(await search('虎')).toEqual(['虎']);
    });

    it('are told apart by whether they were seen', async () => {
      const { classes } = catalog();
      const seen = await classes.create('seen', null);
      const unseen = await classes.create('unseen', null);
      const filter = { ...all, seenIds: [seen.id] };
      expect(await classes.page({ ...filter, seen: true })).toEqual([seen]);
      expect(await classes.page({ ...filter, seen: false })).toEqual([unseen]);
      expect(await classes.page({ ...all, seen: true })).toEqual([]);
      expect(await classes.count({ ...all, seen: false })).toBe(2);
    });

    it('count their items', async () => {
      const { classes, items } = catalog();
      await items.upsertMany([
        imageWrite('1', { classNames: ['a', 'b'] }),
        textWrite('2', { classNames: ['a'] }),
        textWrite('3', { classNames: ['a'] }),
      ]);
      await classes.create('c', null);
      const ids = (await classes.all()).map((row) => row.id);
      expect([...(await classes.itemCounts(ids, null)).values()]).toEqual([3, 1, 0]);
      expect([...(await classes.itemCounts(ids, 'IMAGE')).values()]).toEqual([1, 1, 0]);
    });

    it('have text features, which can be replaced', async () => {
      const { classes } = catalog();
      const [a, b] = [await classes.create('a', null), await classes.create('b', null)];
      await classes.setFeatures('t@1', new Map([[a.id, Float32Array.of(1, 0)]]));
      await classes.setFeatures('t@1', new Map([[a.id, Float32Array.of(0, 1)]]));
      await classes.setFeatures('t@2', new Map([[b.id, Float32Array.of(1)]]));
      expect(await classes.features([a.id, b.id], 't@1')).toEqual(new Map([[a.id, Float32Array.of(0, 1)]]));
    });
  });

  describe('media', () => {
    it('are known once uploaded or shown by an item', async () => {
      const { media, items } = catalog();
      const upload = { sha256: 'a'.repeat(64), mediaType: 'image/webp', width: 3, height: 2, bytes: 10 };
      await media.record(upload);
      await media.record({ ...upload, mediaType: 'image/gif' });
      const { bytes: _, ...picture } = upload;
      expect(await media.find(upload.sha256)).toEqual(picture);
      const image = imageWrite('shown');
      await items.upsertMany([image, textWrite('shown')]);
      expect(await media.find(image.contentHash)).toMatchObject({
        mediaType: 'image/png',
        width: 64,
        height: 48,
      });
      expect(await media.find('b'.repeat(64))).toBeNull();
      expect(await media.forgetUnreferenced([upload.sha256, image.contentHash])).toEqual([upload.sha256]);
      expect(await media.find(upload.sha256)).toBeNull();
    });
  });

  it('tells times in UTC whatever zone the server keeps', async () => {
    const { encoders, database } = catalog();
    // Prisma's adapter would take a time in another zone for one in UTC.
    expect(await database.runOnce('SHOW TimeZone')).toEqual([{ TimeZone: 'UTC' }]);
    const before = Date.now();
    const id = uuidv7();
    const row = { id, dimension: 1, imageExtractor: 'i', textExtractor: 't', config: {}, report: {} };
    const { createdAt } = await encoders.create(row, new Uint8Array());
    expect(Math.abs(createdAt.getTime() - before)).toBeLessThan(60_000);
    expect((await encoders.byId(id))?.createdAt).toEqual(createdAt);
  });

  it('can be tidied up', async () => {
    await catalog().items.upsertMany([textWrite('x')]);
    await catalog().maintain();
    expect(await catalog().items.count(null)).toBe(1);
  });
});
