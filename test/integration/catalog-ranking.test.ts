import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Hit, ItemWrite, Ranking } from '../../src/catalog/types.js';
import { featurePartition } from '../../src/catalog/vectors/vector-partitions.js';
import { MODALITIES, type Modality } from '../../src/domain/modality.js';
import { dot } from '../../src/domain/vectors.js';
import { describeOnEachKind, emptyCatalog, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';

const TARGETS = ['IMAGE', 'TEXT', null] as const;
const FEATURE_DIMENSION = 20;
const DIMENSION = 6;

describeOnEachKind('rankings', (kind) => {
  let opened: TestCatalog;
  let encoderId: string;
  /** Other ones for each test: the indexes on their partitions stay. */
  let extractors: Record<Modality, string>;
  let writes: ItemWrite[];
  /** A connection of its own on a server, as another server process has; the embedded database has one session. */
  let elsewhere: (sql: string, values?: unknown[]) => Promise<unknown>;
  let disconnect = async () => {};
  const catalog = () => opened.catalog;

  beforeAll(async () => {
    opened = await openTestCatalog(kind);
    elsewhere = (sql, values) => catalog().database.runOnce(sql, values);
    if (kind === 'embedded') return;
    const client = new pg.Client({ connectionString: catalog().database.pool.options.connectionString });
    await client.connect();
    elsewhere = (sql, values) => client.query(sql, values);
    disconnect = () => client.end();
  });
  afterAll(async () => {
    await disconnect();
    await opened.dispose();
  });
  beforeEach(async () => {
    await emptyCatalog(catalog());
    encoderId = uuidv7();
    extractors = { IMAGE: `pixels@${encoderId}`, TEXT: `words@${encoderId}` };
    const read = { imageExtractor: extractors.IMAGE, textExtractor: extractors.TEXT };
    await catalog().encoders.create(
      { id: encoderId, dimension: DIMENSION, ...read, config: {}, report: {} },
      new Uint8Array([7]),
    );
    writes = await fill();
  });

  /** Images with one or several texts, texts of several images, items without a pair, equal vectors, and a zero vector. */
  async function fill(): Promise<ItemWrite[]> {
    const random = randomOf(11);
    let [feature, embedding] = [randomUnit(FEATURE_DIMENSION, random), randomUnit(DIMENSION, random)];
    const made = Array.from({ length: 90 }, (_, n) => {
      if (n % 3 === 0)
        [feature, embedding] = [randomUnit(FEATURE_DIMENSION, random), randomUnit(DIMENSION, random)];
      const common = {
        classNames: [`class ${n % 4}`],
        pairKey: n % 7 === 0 ? null : `pair ${n % 25}`,
        embeddings: new Map(n % 11 === 0 ? [] : [[encoderId, embedding]]),
      };
      const vector = n === 40 ? new Float32Array(FEATURE_DIMENSION) : feature;
      return n % 2 === 0
        ? imageWrite(`image ${n}`, { ...common, features: new Map([[extractors.IMAGE, vector]]) })
        : textWrite(`text ${n}`, {
            ...common,
            ...(n % 13 === 0
              ? { embeddings: new Map(), features: new Map() }
              : { features: new Map([[extractors.TEXT, vector]]) }),
          });
    });
    // An item with a feature needs an embedding of each live encoder, so the missing ones are deleted afterwards.
    await catalog().items.upsertMany(
      made.map((write) =>
        write.features.size > 0 && write.embeddings.size === 0
          ? { ...write, embeddings: new Map([[encoderId, embedding]]) }
          : write,
      ),
    );
    const lacking = made.filter((write) => write.embeddings.size === 0).map(({ id }) => id);
    await catalog().database.runOnce('DELETE FROM embedding WHERE item_id = ANY($1)', [lacking]);
    return made;
  }

  const order = (a: Hit, b: Hit) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1);
  const isTarget = (target: Modality | null) => (write: ItemWrite) =>
    target === null || write.modality === target;

  /** The whole ranking, computed here. */
  function byEmbedding(vector: Float32Array, target: Modality | null): Hit[] {
    return writes
      .filter(isTarget(target))
      .flatMap(({ id, embeddings }) => {
        const embedding = embeddings.get(encoderId);
        return embedding ? [{ id, similarity: Math.fround(dot(embedding, vector)) }] : [];
      })
      .sort(order);
  }

  function byCounterpart(vector: Float32Array, queryModality: Modality, target: Modality | null): Hit[] {
    const sources = writes.filter(({ modality }) => modality === queryModality);
    return writes
      .filter(isTarget(target))
      .flatMap((write) => {
        const counterparts =
          write.modality === queryModality
            ? [write]
            : sources.filter(({ pairKey }) => pairKey !== null && pairKey === write.pairKey);
        const similarities = counterparts.flatMap(({ features }) => {
          const feature = features.get(extractors[queryModality]);
          return feature ? [Math.fround(dot(feature, vector))] : [];
        });
        return similarities.length === 0 ? [] : [{ id: write.id, similarity: Math.max(...similarities) }];
      })
      .sort(order);
  }

  /** Sums in float32 differ in the last digits. */
  function expectRanking({ hits, approximate }: Ranking, expected: readonly Hit[], byIds = true): void {
    if (byIds) expect(hits.map(({ id }) => id)).toEqual(expected.map(({ id }) => id));
    expect(hits.length).toBe(expected.length);
    hits.forEach(({ similarity }, i) => {
      expect(similarity).toBeCloseTo(expected[i]?.similarity ?? Number.NaN, 5);
    });
    expect(approximate).toBe(false);
  }

  it.each(TARGETS)('compare embeddings for the target %s, ties in the order of ids', async (target) => {
    const random = randomOf(3);
    for (const [limit, offset] of [
      [1, 0],
      [20, 0],
      [7, 15],
      [500, 30],
    ] as const) {
      const vector = randomUnit(DIMENSION, random);
      const query = { encoderId, vector, target, filter: null, limit, offset };
      expectRanking(
        await catalog().ranking.byEmbedding(query),
        byEmbedding(vector, target).slice(offset, offset + limit),
      );
    }
  });

  it.each(TARGETS)('compare counterparts for the target %s, with an index or without', async (target) => {
    for (const indexed of [false, true]) {
      if (indexed) expect(await catalog().indexes.ensure({ rows: 1 })).not.toEqual([]);
      const random = randomOf(4);
      for (const queryModality of MODALITIES) {
        const expected = (vector: Float32Array) => byCounterpart(vector, queryModality, target);
        for (const limit of [1, 5, 20, 500]) {
          const vector = randomUnit(FEATURE_DIMENSION, random);
          const extractor = extractors[queryModality];
          const query = { extractor, queryModality, vector, target, filter: null, limit };
          const ranking = await catalog().ranking.byCounterpart(query);
          if (!indexed) expect(ranking.approximate).toBe(false);
          // Of equal items at the end of an approximate page, a distributed database gives those of the shard that comes first.
          const ordered = !ranking.approximate || !process.env.TEST_CITUS_URL;
          expectRanking({ ...ranking, approximate: false }, expected(vector).slice(0, limit), ordered);
        }
      }
    }
  });

  it('are those of given items too, by each kind of evidence alone and by both', async () => {
    const random = randomOf(9);
    const { ranking } = catalog();
    const ids = writes.map(({ id }) => id);
    const content = { encoderId, vector: randomUnit(DIMENSION, random) };
    const byContent = new Map(
      byEmbedding(content.vector, null).map(({ id, similarity }) => [id, similarity]),
    );
    for (const queryModality of MODALITIES) {
      const vector = randomUnit(FEATURE_DIMENSION, random);
      const counterpart = { extractor: extractors[queryModality], vector, queryModality };
      const byOthers = new Map(
        byCounterpart(vector, queryModality, null).map(({ id, similarity }) => [id, similarity]),
      );
      for (const [first, second] of [
        [content, null],
        [null, counterpart],
        [content, counterpart],
      ] as const) {
        const found = new Map((await ranking.similarities(ids, first, second)).map((row) => [row.id, row]));
        for (const id of ids) {
          const wanted = [first && byContent.get(id), second && byOthers.get(id)];
          const given = [found.get(id)?.content, found.get(id)?.counterpart];
          wanted.forEach((similarity, i) => {
            if (similarity == null) expect(given[i]).toBeUndefined();
            else expect(given[i]).toBeCloseTo(similarity, 5);
          });
        }
      }
    }
    expect(await ranking.similarities([], content, null)).toEqual([]);
    expect(await ranking.similarities(ids, null, null)).toEqual([]);
  });

  it('find nothing for a target that contradicts the filter', async () => {
    const filter = { modality: 'TEXT' as const };
    const content = { encoderId, vector: randomUnit(DIMENSION, randomOf(1)), limit: 20, offset: 0 };
    const counterpart = { vector: randomUnit(FEATURE_DIMENSION, randomOf(1)), limit: 20 };
    const { ranking } = catalog();
    expect((await ranking.byEmbedding({ ...content, target: 'IMAGE', filter })).hits).toEqual([]);
    for (const queryModality of MODALITIES) {
      const query = { ...counterpart, queryModality, extractor: extractors[queryModality] };
      expect((await ranking.byCounterpart({ ...query, target: 'IMAGE', filter })).hits).toEqual([]);
      const texts = await ranking.byCounterpart({ ...query, target: null, filter });
      expectRanking(texts, byCounterpart(query.vector, queryModality, 'TEXT').slice(0, 20));
    }
  });

  it('refuse a vector of another length', async () => {
    const query = { encoderId, vector: randomUnit(5, randomOf(1)), target: null, filter: null };
    await expect(catalog().ranking.byEmbedding({ ...query, limit: 5, offset: 0 })).rejects.toThrow(
      'different vector dimensions',
    );
  });

  describe('show at once that another connection', () => {
    const vector = randomUnit(FEATURE_DIMENSION, randomOf(8));
    const first = async () => {
      const query = { extractor: extractors.TEXT, queryModality: 'TEXT' as const, vector };
      const { hits } = await catalog().ranking.byCounterpart({
        ...query,
        target: 'IMAGE',
        filter: null,
        limit: 3,
      });
      return hits;
    };
    const shown = async (id: string) => (await catalog().items.byIds([id]))[0];

    it('deletes an item', async () => {
      const [best, next] = await first();
      await elsewhere('DELETE FROM item WHERE id = $1', [best?.id]);
      expect((await first())[0]).toEqual(next);
      expect(await shown(best?.id ?? '')).toBeUndefined();
    });

    it('takes an item out of its pair', async () => {
      const [best, next] = await first();
      await elsewhere('UPDATE item SET pair_id = NULL WHERE id = $1', [best?.id]);
      expect((await first())[0]).toEqual(next);
    });

    it('changes a feature by the name of its partition', async () => {
      const [best] = await first();
      const text = writes.find(
        ({ modality, pairKey, features }) => modality === 'TEXT' && pairKey === 'pair 1' && features.size > 0,
      );
      const images = writes.filter(({ modality, pairKey }) => modality === 'IMAGE' && pairKey === 'pair 1');
      expect(images.map(({ id }) => id)).not.toContain(best?.id);
      await elsewhere(
        `UPDATE ${featurePartition(extractors.TEXT)} SET vec = '[${vector.join(',')}]' WHERE item_id = $1`,
        [text?.id],
      );
      const [now] = await first();
      expect(images.map(({ id }) => id)).toContain(now?.id);
      expect(now?.similarity).toBeCloseTo(1, 6);
    });

    it('renames an item, and takes a class from it', async () => {
      const id = writes[2]?.id ?? '';
      const names = async () => (await catalog().items.classesOf([id])).get(id)?.map(({ name }) => name);
      expect(await names()).toEqual(['class 2']);
      await elsewhere(`UPDATE item SET title = 'other' WHERE id = $1`, [id]);
      await elsewhere('DELETE FROM item_class WHERE item_id = $1', [id]);
      expect(await shown(id)).toMatchObject({ title: 'other' });
      expect(await names()).toEqual([]);
    });
  });
});
