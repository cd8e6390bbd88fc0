import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { ClassStatistics } from '../../src/services/serving/class-statistics.js';
import { describeOnEachKind, emptyCatalog, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { imageWrite, textWrite } from '../support/catalog-items.js';

describeOnEachKind('statistics of classes', (kind) => {
  let opened: TestCatalog;
  const catalog = () => opened.catalog;
  beforeAll(async () => {
    opened = await openTestCatalog(kind);
  });
  afterAll(() => opened.dispose());
  beforeEach(() => emptyCatalog(catalog()));

  async function createEncoder(): Promise<string> {
    const id = uuidv7();
    const row = { id, dimension: 2, imageExtractor: 'i@1', textExtractor: 't@1', config: {}, report: {} };
    await catalog().encoders.create(row, new Uint8Array([7]));
    return id;
  }

  /** Over another process's connection on a server. */
  async function withWriter(work: (writer: Catalog) => Promise<void>): Promise<void> {
    if (opened.url === null) return await work(catalog());
    const writer = await openCatalog({ databaseUrl: opened.url });
    await work(writer).finally(() => writer.close());
  }

  it('show every acknowledged write of any server at once', async () => {
    const encoderId = await createEncoder();
    const statistics = new ClassStatistics(catalog());
    const shown = async () => {
      const classes = await statistics.classes();
      const [means, all, images] = [
        await statistics.means(encoderId),
        await statistics.itemCounts(null),
        await statistics.itemCounts('IMAGE'),
      ];
      return classes.map(({ id, name }) => [
        name,
        [...(means.get(id)?.mean ?? [])],
        all.get(id) ?? 0,
        images.get(id) ?? 0,
      ]);
    };
    expect(await shown()).toEqual([]);
    await withWriter(async ({ classes, items, vectorWrites }) => {
      await classes.create('b', null);
      expect(await shown()).toEqual([['b', [], 0, 0]]);

      const embeddings = new Map([[encoderId, Float32Array.of(1, 0)]]);
      const image = imageWrite('1', { classNames: ['a'], embeddings });
      const text = textWrite('2', { classNames: ['b'] });
      await items.upsertMany([image, text]);
      expect(await shown()).toEqual([
        ['a', [1, 0], 1, 1],
        ['b', [], 1, 0],
      ]);

      const matrix = { data: Float32Array.of(0, 1), rows: 1, columns: 2 };
      await vectorWrites.addEmbeddings(encoderId, 'TEXT', [text.id], matrix);
      expect(await shown()).toEqual([
        ['a', [1, 0], 1, 1],
        ['b', [0, 1], 1, 0],
      ]);

      await items.upsertMany([{ ...image, classNames: ['b'] }]);
      expect(await shown()).toEqual([
        ['a', [], 0, 0],
        ['b', [0.5, 0.5], 2, 1],
      ]);

      await items.delete([text.id]);
      expect(await shown()).toEqual([
        ['a', [], 0, 0],
        ['b', [1, 0], 1, 1],
      ]);
    });
  });

  it('are read once while nothing changes, by concurrent callers too', async () => {
    let reads = 0;
    const { classes, changes, vectors } = catalog();
    const counted = {
      all: () => {
        reads += 1;
        return classes.all();
      },
    } as typeof classes;
    const statistics = new ClassStatistics({ classes: counted, changes, vectors });
    await Promise.all([statistics.classes(), statistics.classes()]);
    await statistics.classes();
    expect(reads).toBe(1);
    await classes.create('a', null);
    expect(await statistics.classes()).toMatchObject([{ name: 'a' }]);
    await statistics.classes();
    expect(reads).toBe(2);
  });

  it('are read again after a failure', async () => {
    const { classes, changes, vectors } = catalog();
    let fails = true;
    const failing = {
      all: async () => {
        if (fails) throw new Error('not now');
        return await classes.all();
      },
    } as typeof classes;
    const statistics = new ClassStatistics({ classes: failing, changes, vectors });
    await expect(statistics.classes()).rejects.toThrow('not now');
    fails = false;
    expect(await statistics.classes()).toEqual([]);
  });
});
