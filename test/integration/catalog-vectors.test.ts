import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Hit, ItemWrite, Ranking } from '../../src/catalog/types.js';
import { dot } from '../../src/domain/vectors.js';
import { describeOnEachDatabase, emptyCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';

const IMAGES = 'pixels@1';
const TEXTS = "words'@1";

describeOnEachDatabase('vectors of the catalogue', (catalog) => {
  beforeEach(() => emptyCatalog(catalog()));

  async function createEncoder(dimension: number): Promise<string> {
    const id = uuidv7();
    const row = { id, dimension, imageExtractor: IMAGES, textExtractor: TEXTS, config: {}, report: {} };
    await catalog().encoders.create(row, new Uint8Array([7]));
    return id;
  }

  /** 40 pairs of two pictures and one text, three classes; two texts each have the same feature. */
  async function fill(encoderId: string): Promise<ItemWrite[]> {
    const random = randomOf(5);
    let feature = randomUnit(12, random);
    const writes = Array.from({ length: 40 }, (_, n) => {
      if (n % 2 === 0) feature = randomUnit(12, random);
      const common = { pairKey: `pair ${n}`, classNames: [`class ${n % 3}`], metadata: { n } };
      const embeddings = () => new Map([[encoderId, randomUnit(8, random)]]);
      const picture = (vendor: string) =>
        imageWrite(`${vendor} ${n}`, {
          ...common,
          metadata: { n, vendor },
          embeddings: embeddings(),
          features: new Map([[IMAGES, randomUnit(20, random)]]),
        });
      const text = textWrite(`text ${n}`, {
        ...common,
        embeddings: embeddings(),
        features: new Map([[TEXTS, feature]]),
      });
      return [picture('a'), picture('b'), text];
    }).flat();
    await catalog().items.upsertMany(writes);
    return writes;
  }

  const order = (a: Hit, b: Hit) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1);

  /** Compares with a ranking that is computed here; sums in float32 differ in the last digits. */
  function expectRanking(ranking: Ranking, expected: readonly Hit[]): void {
    expect(ranking.hits.map((hit) => hit.id)).toEqual(expected.map((hit) => hit.id));
    ranking.hits.forEach((hit, i) => {
      expect(hit.similarity).toBeCloseTo(expected[i]?.similarity ?? Number.NaN, 5);
    });
  }

  const byEmbedding = (writes: readonly ItemWrite[], encoderId: string, query: Float32Array): Hit[] =>
    writes
      .map((write) => ({
        id: write.id,
        similarity: Math.fround(dot(write.embeddings.get(encoderId) ?? query, query)),
      }))
      .sort(order);

  const byCounterpart = (
    writes: readonly ItemWrite[],
    query: Float32Array,
    target: 'IMAGE' | 'TEXT' | null,
  ): Hit[] => {
    const texts = writes.filter((write) => write.modality === 'TEXT');
    const similarity = (write: ItemWrite) => Math.fround(dot(write.features.get(TEXTS) ?? query, query));
    return writes
      .filter((write) => target === null || write.modality === target)
      .map((write) => {
        const own =
          write.modality === 'TEXT' ? [write] : texts.filter((text) => text.pairKey === write.pairKey);
        return { id: write.id, similarity: Math.max(...own.map(similarity)) };
      })
      .sort(order);
  };

  it('ranks by embedding exactly, within a modality and over both', async () => {
    const encoderId = await createEncoder(8);
    const writes = await fill(encoderId);
    const vector = randomUnit(8, randomOf(1));
    const query = { encoderId, vector, filter: null, limit: 30, offset: 0 };
    for (const target of ['IMAGE', 'TEXT', null] as const) {
      const expected = byEmbedding(
        writes.filter((w) => target === null || w.modality === target),
        encoderId,
        vector,
      );
      const ranking = await catalog().ranking.byEmbedding({ ...query, target });
      expect(ranking.approximate).toBe(false);
      expectRanking(ranking, expected.slice(0, 30));
      const next = await catalog().ranking.byEmbedding({ ...query, target, offset: 30 });
      expectRanking(next, expected.slice(30, 60));
    }
  });

  it('scales queries and stored vectors to unit length; a zero vector has similarity 0', async () => {
    const encoderId = await createEncoder(2);
    const [long, zero] = [textWrite('long'), textWrite('zero')];
    await catalog().items.upsertMany([
      { ...long, embeddings: new Map([[encoderId, Float32Array.of(3, 4)]]) },
      { ...zero, embeddings: new Map([[encoderId, Float32Array.of(0, 0)]]) },
    ]);
    const query = {
      encoderId,
      vector: Float32Array.of(10, 0),
      target: null,
      filter: null,
      limit: 5,
      offset: 0,
    };
    const { hits } = await catalog().ranking.byEmbedding(query);
    expectRanking({ hits, approximate: false }, [
      { id: long.id, similarity: 0.6 },
      { id: zero.id, similarity: 0 },
    ]);
  });

  it('ranks by the most similar counterpart of an item, ties by id', async () => {
    const writes = await fill(await createEncoder(8));
    const vector = randomUnit(12, randomOf(2));
    const query = { extractor: TEXTS, vector, queryModality: 'TEXT' as const, filter: null };
    for (const target of ['IMAGE', 'TEXT', null] as const) {
      const expected = byCounterpart(writes, vector, target);
      for (const limit of [1, 2, 3, 7, 50, 500]) {
        const ranking = await catalog().ranking.byCounterpart({ ...query, target, limit });
        expect(ranking.approximate).toBe(false);
        expectRanking(ranking, expected.slice(0, limit));
      }
    }
  });

  it('finds further images if many captions belong to few images', async () => {
    const random = randomOf(3);
    const near = randomUnit(6, random);
    // 300 captions near the query belong to one image; the captions of the other images are further away.
    const captions = Array.from({ length: 300 }, (_, n) =>
      textWrite(`close ${n}`, { pairKey: 'crowded', features: new Map([[TEXTS, near]]) }),
    );
    const others = Array.from({ length: 10 }, (_, n) => {
      const feature = near.map((x, i) => -x + (i === n % 6 ? 0.1 : 0));
      return [
        textWrite(`far ${n}`, { pairKey: `far ${n}`, features: new Map([[TEXTS, feature]]) }),
        imageWrite(`far ${n}`, { pairKey: `far ${n}` }),
      ];
    }).flat();
    const crowded = imageWrite('crowded', { pairKey: 'crowded' });
    await catalog().items.upsertMany([...captions, crowded, ...others]);
    const query = { extractor: TEXTS, vector: near, queryModality: 'TEXT' as const, filter: null, limit: 5 };
    const { hits } = await catalog().ranking.byCounterpart({ ...query, target: 'IMAGE' });
    expect(hits).toHaveLength(5);
    expect(hits[0]?.id).toBe(crowded.id);
  });

  it('applies a filter to both kinds of evidence', async () => {
    const encoderId = await createEncoder(8);
    const writes = await fill(encoderId);
    const filter = { or: [{ classNames: ['class 2'] }, { metadata: { n: 4 } }] };
    const kept = writes.filter((w) => w.classNames?.includes('class 2') || w.metadata.n === 4);
    const vector = randomUnit(8, randomOf(6));
    const content = { encoderId, vector, target: 'IMAGE' as const, filter, limit: 50, offset: 0 };
    const images = kept.filter((write) => write.modality === 'IMAGE');
    expectRanking(await catalog().ranking.byEmbedding(content), byEmbedding(images, encoderId, vector));
    const words = randomUnit(12, randomOf(6));
    const counterpart = {
      extractor: TEXTS,
      vector: words,
      queryModality: 'TEXT' as const,
      filter,
      limit: 50,
    };
    const found = await catalog().ranking.byCounterpart({ ...counterpart, target: 'IMAGE' });
    const keptIds = new Set(kept.map((write) => write.id));
    expectRanking(
      found,
      byCounterpart(writes, words, 'IMAGE').filter((hit) => keptIds.has(hit.id)),
    );
  });

  it('returns empty results if nothing was ever stored', async () => {
    const { vectors, ranking } = catalog();
    const vector = Float32Array.of(1, 0);
    const content = { encoderId: uuidv7(), vector, target: null, filter: null, limit: 3, offset: 0 };
    const counterpart = {
      extractor: 'never@1',
      vector,
      queryModality: 'TEXT' as const,
      target: null,
      filter: null,
      limit: 3,
    };
    const nothing = { hits: [], approximate: false };
    expect(await ranking.byEmbedding(content)).toEqual(nothing);
    expect(await ranking.byCounterpart(counterpart)).toEqual(nothing);
    expect(await vectors.itemEmbedding(content.encoderId, uuidv7())).toBeNull();
    expect(await vectors.itemFeature(uuidv7(), 'never@1')).toBeNull();
    for await (const _ of vectors.featuresOf('never@1')) expect.unreachable();
  });

  it('returns features bit for bit, by id and in chunks', async () => {
    const { items, vectors } = catalog();
    const random = randomOf(8);
    // Too wide for a row within a page, and enough rows for several chunks.
    const extractor = 'wide@1';
    const writes = Array.from({ length: 300 }, (_, n) =>
      imageWrite(`wide ${n}`, { features: new Map([[extractor, randomUnit(2200, random)]]) }),
    );
    await items.upsertMany(writes);
    const stored = await vectors.featuresFor(
      writes.map((write) => write.id),
      extractor,
    );
    const streamed = new Map<string, Float32Array>();
    let chunks = 0;
    for await (const { ids, matrix } of vectors.featuresOf(extractor)) {
      chunks += 1;
      expect([matrix.rows, matrix.columns]).toEqual([ids.length, 2200]);
      for (const [row, id] of ids.entries())
        streamed.set(id, matrix.data.slice(row * 2200, (row + 1) * 2200));
    }
    expect(chunks).toBeGreaterThan(1);
    expect([...streamed.keys()]).toEqual(writes.map((write) => write.id).sort());
    for (const { id, features } of writes) {
      const given = features.get(extractor) ?? new Float32Array();
      expect(stored.get(id)).toEqual(streamed.get(id));
      const difference = Math.max(...given.map((x, i) => Math.abs(x - (stored.get(id)?.[i] ?? 0))));
      expect(difference).toBeLessThan(1e-7);
    }
  });

  it('lists training pairs with the classes of both items', async () => {
    const { items, vectors, classes } = catalog();
    const feature = (extractor: string) => new Map([[extractor, Float32Array.of(1, 0)]]);
    const image = imageWrite('i', {
      pairKey: 'p',
      classNames: ['b'],
      features: feature(IMAGES),
      metadata: { v: 1 },
    });
    const one = textWrite('1', { pairKey: 'p', classNames: ['a', 'b'], features: feature(TEXTS) });
    const two = textWrite('2', { pairKey: 'p', features: feature(TEXTS) });
    const bare = imageWrite('bare', { pairKey: 'q', features: feature(IMAGES) });
    const bareText = textWrite('bare', { pairKey: 'q', features: feature(TEXTS) });
    const unextracted = textWrite('x', { pairKey: 'p' });
    const unpaired = [
      imageWrite('u', { features: feature(IMAGES) }),
      textWrite('u', { features: feature(TEXTS) }),
    ];
    await items.upsertMany([image, one, two, bare, bareText, unextracted, ...unpaired]);
    const idOf = new Map((await classes.all()).map((row) => [row.name, row.id]));
    const pairs = await vectors.trainingPairs(IMAGES, TEXTS);
    expect(pairs).toMatchObject([
      { imageId: image.id, textId: one.id, classIds: [idOf.get('a'), idOf.get('b')] },
      { imageId: image.id, textId: two.id, classIds: [idOf.get('b')] },
      { imageId: bare.id, textId: bareText.id, classIds: [] },
    ]);
    expect(await vectors.trainingPairs(IMAGES, TEXTS, { image: { metadata: { v: 1 } } })).toHaveLength(2);
    expect(await vectors.trainingPairs(IMAGES, 'never@1')).toEqual([]);
  });

  it('averages a class’s embeddings over both modalities', async () => {
    const encoderId = await createEncoder(2);
    const { items, vectors, classes } = catalog();
    const at = (x: number, y: number) => ({
      classNames: ['c'],
      embeddings: new Map([[encoderId, Float32Array.of(x, y)]]),
    });
    await items.upsertMany([imageWrite('1', at(1, 0)), textWrite('2', at(0, 1)), textWrite('3', at(0, 1))]);
    await classes.create('empty', null);
    const [c] = await classes.byNames(['c']);
    const means = await vectors.classMeans(encoderId);
    expect([...means.keys()]).toEqual([c?.id]);
    expect(means.get(c?.id ?? '')?.count).toBe(3);
    expect(means.get(c?.id ?? '')?.mean[1]).toBeCloseTo(2 / 3, 6);
  });

  it('keeps encoders apart', async () => {
    const [first, second] = [await createEncoder(2), await createEncoder(3)];
    const { items, vectors, vectorWrites, ranking } = catalog();
    const write = textWrite('t', { embeddings: new Map([[first, Float32Array.of(1, 0)]]) });
    await items.upsertMany([write]);
    const query = { vector: Float32Array.of(0, 0, 1), target: null, filter: null, limit: 3, offset: 0 };
    expect((await ranking.byEmbedding({ ...query, encoderId: second })).hits).toEqual([]);
    await vectorWrites.addEmbeddings(second, 'TEXT', [write.id], {
      data: Float32Array.of(0, 0, 1),
      rows: 1,
      columns: 3,
    });
    expect((await ranking.byEmbedding({ ...query, encoderId: second })).hits).toEqual([
      { id: write.id, similarity: 1 },
    ]);
    expect(await vectors.itemEmbedding(first, write.id)).toEqual(Float32Array.of(1, 0));
  });

  it('gives an encoder the embeddings of another one, and keeps those that it has', async () => {
    const [from, to, removed] = [await createEncoder(2), await createEncoder(2), uuidv7()];
    const { items, vectors, vectorWrites } = catalog();
    const at = (...xy: number[]) => new Map([[from, Float32Array.from(xy)]]);
    // More than one statement copies.
    const writes = Array.from({ length: 700 }, (_, i) =>
      imageWrite(String(i), { embeddings: at(Math.cos(i), Math.sin(i)) }),
    );
    const text = textWrite('t', { embeddings: at(1, 0) });
    await items.upsertMany([...writes, text]);
    const own = { data: Float32Array.of(0, 1), rows: 1, columns: 2 };
    const [first, ...others] = writes.map(({ id }) => id) as [string, ...string[]];
    await vectorWrites.addEmbeddings(to, 'IMAGE', [first], own);
    expect(await vectorWrites.copyEmbeddings(from, to, 'IMAGE')).toBe(700);
    expect(await vectors.embeddingsByIds(to, others)).toEqual(await vectors.embeddingsByIds(from, others));
    expect(await vectors.itemEmbedding(to, first)).toEqual(own.data);
    expect(await vectors.itemEmbedding(to, text.id)).toBeNull();
    expect(await vectorWrites.copyEmbeddings(removed, to, 'IMAGE')).toBe(0);
    await expect(vectorWrites.copyEmbeddings(from, to, 'IMAGE', AbortSignal.abort())).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });

  describe('with an index', () => {
    const COUNT = 24_000;
    const DIMENSION = 64;

    /** Clustered like embeddings: uniformly random vectors have no near neighbours. */
    function clustered(): Float32Array[] {
      const random = randomOf(9);
      const centres = Array.from({ length: 200 }, () => randomUnit(DIMENSION, random));
      return Array.from({ length: COUNT }, (_, n) => {
        const centre = centres[n % centres.length] as Float32Array;
        const noise = randomUnit(DIMENSION, random);
        return centre.map((x, i) => x + 0.7 * (noise[i] ?? 0));
      });
    }

    it('is approximate only if it used an index, and returns a full page under a filter', async () => {
      const { indexes, ranking, vectorWrites, database } = catalog();
      const encoderId = await createEncoder(DIMENSION);
      const data = clustered();
      const ids = data.map(() => uuidv7());
      // Every thirtieth item is rare.
      await database.runOnce(
        `INSERT INTO item (id, home, modality, text, content_hash, metadata)
         SELECT id, id, 'TEXT', 't', n::text, CASE WHEN n % 30 = 0 THEN '{"rare": true}'::jsonb ELSE '{"rare": false}' END
         FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, n)`,
        [ids],
      );
      const matrix = { data: new Float32Array(COUNT * DIMENSION), rows: COUNT, columns: DIMENSION };
      data.forEach((vector, row) => {
        matrix.data.set(vector, row * DIMENSION);
      });
      await vectorWrites.addEmbeddings(encoderId, 'TEXT', ids, matrix);
      const ask = (filter: { metadata: { rare: boolean } } | null, query: number, limit = 20, offset = 0) =>
        ranking.byEmbedding({
          encoderId,
          vector: data[query] as Float32Array,
          target: 'TEXT',
          filter,
          limit,
          offset,
        });
      const rare = { metadata: { rare: true } };
      const common = { metadata: { rare: false } };
      const queries = [1, 777, 12_345, 20_000];
      const exact = new Map<string, Ranking>();
      for (const query of queries) {
        for (const filter of [null, rare, common])
          exact.set(`${query}${JSON.stringify(filter)}`, await ask(filter, query));
      }
      expect([...exact.values()].every((ranking) => !ranking.approximate)).toBe(true);

      expect(await indexes.ensure()).toEqual([expect.stringMatching(/^vectors\.embedding_.*_text$/)]);
      expect(await indexes.ensure()).toEqual([]);

      const recalls = new Map<string, number>();
      for (const query of queries) {
        for (const filter of [null, rare, common]) {
          const wanted = exact.get(`${query}${JSON.stringify(filter)}`)?.hits.map((hit) => hit.id) ?? [];
          const { hits, approximate } = await ask(filter, query);
          expect(hits).toHaveLength(20);
          expect(approximate).toBe(filter !== rare);
          expect([...hits].sort(order)).toEqual(hits);
          const recall = hits.filter((hit) => wanted.includes(hit.id)).length / wanted.length;
          const key = JSON.stringify(filter);
          recalls.set(key, (recalls.get(key) ?? 0) + recall / queries.length);
        }
      }
      expect(recalls.get(JSON.stringify(rare))).toBe(1);
      expect(recalls.get('null')).toBeGreaterThan(0.9);
      expect(recalls.get(JSON.stringify(common))).toBeGreaterThan(0.9);

      const deep = await ask(null, 1, 20, 5_000);
      expect(deep.approximate).toBe(false);
      expect(deep.hits).toHaveLength(20);
      const last = await ask(rare, 1, 20, COUNT / 30 - 5);
      expect(last.hits).toHaveLength(5);
      const both = await ranking.byEmbedding({
        encoderId,
        vector: data[1] as Float32Array,
        target: null,
        filter: null,
        limit: 20,
        offset: 0,
      });
      expect(both).toMatchObject({ approximate: true, hits: { length: 20 } });
    });
  });
});
