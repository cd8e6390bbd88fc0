import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Hit, ItemWrite, Ranking } from '../../src/catalog/types.js';
import { VectorPartitions } from '../../src/catalog/vectors/vector-partitions.js';
import { type ExactMatches, VectorRanking } from '../../src/catalog/vectors/vector-ranking.js';
import { MODALITIES, type Modality } from '../../src/domain/modality.js';
import { dot } from '../../src/domain/vectors.js';
import { describeOnEachKind, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';

const PAIRS = 1_500;
const LIMIT = 100;
const DIMENSION = 8;
const EXTRACTORS = { IMAGE: 'pixels@1', TEXT: 'words@1' } as const;
/** Every n-th pair matches the filter. */
const EVERY = { '0.1 %': 1000, '1 %': 100, '10 %': 10, '50 %': 2, '100 %': 1 } as const;
const ALWAYS_BY_INDEX: ExactMatches = () => 0;

const order = (a: Hit, b: Hit) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1);

/** Compares rankings under filters with brute force, with an index and without. */
describeOnEachKind('filtered rankings', (kind) => {
  let opened: TestCatalog;
  const encoderId = uuidv7();
  const random = randomOf(21);
  let writes: ItemWrite[];

  beforeAll(async () => {
    opened = await openTestCatalog(kind);
    await opened.catalog.encoders.create(
      {
        id: encoderId,
        dimension: DIMENSION,
        imageExtractor: EXTRACTORS.IMAGE,
        textExtractor: EXTRACTORS.TEXT,
        config: {},
        report: {},
      },
      new Uint8Array([7]),
    );
    const centres = Array.from({ length: 40 }, () => randomUnit(DIMENSION, random));
    const clustered = () => {
      const centre = centres[Math.floor(random() * centres.length)] ?? new Float32Array(DIMENSION);
      const noise = randomUnit(DIMENSION, random);
      return centre.map((x, i) => x + 0.5 * (noise[i] ?? 0));
    };
    const vectors = (modality: Modality) => ({
      embeddings: new Map([[encoderId, clustered()]]),
      features: new Map([[EXTRACTORS[modality], clustered()]]),
    });
    writes = Array.from({ length: PAIRS }, (_, n) => {
      // The items of a pair do not always match together.
      const common = (offset: number) => ({
        pairKey: `pair ${n}`,
        metadata: Object.fromEntries(
          Object.values(EVERY).flatMap((every) =>
            (n + offset) % every === 0 ? [[`every${every}`, true]] : [],
          ),
        ),
      });
      return [
        imageWrite(`image ${n}`, { ...common(0), ...vectors('IMAGE') }),
        textWrite(`text ${n}`, { ...common(3), ...vectors('TEXT') }),
      ];
    }).flat();
    await opened.catalog.items.upsertMany(writes);
    await opened.catalog.maintain();
  });
  afterAll(() => opened.dispose());

  const matching = (target: Modality | null, every: number) =>
    writes.filter(
      (write) => (target === null || write.modality === target) && write.metadata[`every${every}`] === true,
    );
  const similarity = (stored: Float32Array | undefined, vector: Float32Array) => {
    if (stored === undefined) return Number.NaN;
    return dot(stored, vector) / Math.sqrt(dot(stored, stored) * dot(vector, vector));
  };

  function byEmbedding(vector: Float32Array, target: Modality | null, every: number): Hit[] {
    return matching(target, every)
      .map(({ id, embeddings }) => ({ id, similarity: similarity(embeddings.get(encoderId), vector) }))
      .sort(order);
  }

  function byCounterpart(
    vector: Float32Array,
    queryModality: Modality,
    target: Modality | null,
    every: number,
  ): Hit[] {
    const features = new Map(
      writes
        .filter(({ modality }) => modality === queryModality)
        .map((write) => [write.pairKey, write.features.get(EXTRACTORS[queryModality])]),
    );
    return matching(target, every)
      .map(({ id, pairKey }) => ({ id, similarity: similarity(features.get(pairKey), vector) }))
      .sort(order);
  }

  /** The share of the expected first hits that was found. The page must be full. */
  function recall({ hits }: Ranking, expected: readonly Hit[]): number {
    const wanted = expected.slice(0, LIMIT);
    expect(hits).toHaveLength(wanted.length);
    expect(new Set(hits.map(({ id }) => id)).size).toBe(hits.length);
    // Sums in float32 may swap items of equal similarity, so compare with the last one wanted.
    const least = (wanted.at(-1)?.similarity ?? 1) - 1e-6;
    const known = new Map(expected.map((hit) => [hit.id, hit.similarity]));
    return hits.filter(({ id }) => (known.get(id) ?? -1) >= least).length / Math.max(1, wanted.length);
  }

  describe.each(['without an index', 'with indexes', 'by index only'] as const)('%s', (way) => {
    let ranking: VectorRanking;

    beforeAll(async () => {
      const { indexes, database } = opened.catalog;
      const partitions = new VectorPartitions(database);
      if (way === 'without an index') {
        await database.runOnce(`DO $$ DECLARE name text; BEGIN
          FOR name IN SELECT indexrelid::regclass FROM pg_index WHERE indexrelid::regclass::text LIKE '%hnsw'
          LOOP EXECUTE 'DROP INDEX ' || name; END LOOP; END $$`);
      } else await indexes.ensure({ rows: 1 });
      ranking = new VectorRanking(
        database,
        partitions,
        ...(way === 'by index only' ? [ALWAYS_BY_INDEX] : []),
      );
    });

    it('find out once how many match, for all rankings of a search', async () => {
      if (way === 'without an index') return;
      const { database } = opened.catalog;
      const statements: string[] = [];
      const run = vi.spyOn(database, 'runOnce');
      const vector = randomUnit(DIMENSION, random);
      for (const target of [...MODALITIES, null]) {
        const query = { vector, target, filter: { metadata: { every2: true } }, limit: LIMIT };
        await Promise.all([
          ranking.byEmbedding({ ...query, encoderId, offset: 0 }),
          ranking.byEmbedding({ ...query, encoderId, offset: LIMIT }),
          ranking.byCounterpart({ ...query, extractor: EXTRACTORS.TEXT, queryModality: 'TEXT' }),
        ]);
        statements.push(...run.mock.calls.map(([text]) => text));
        run.mockClear();
      }
      run.mockRestore();
      // Once for each modality that is ranked: one, the other, and both.
      expect(statements.filter((text) => text.startsWith('EXPLAIN'))).toHaveLength(4);
      const counts = statements.filter((text) => text.startsWith('SELECT count(*)'));
      expect(counts.length).toBeLessThanOrEqual(4);
    });

    it.each(Object.entries(EVERY))('find what matches where %s do', async (_share, every) => {
      const filter = { metadata: { [`every${every}`]: true } };
      const found: { readonly what: string; readonly approximate: boolean; readonly recall: number }[] = [];
      for (const target of [...MODALITIES, null]) {
        for (let n = 0; n < 2; n += 1) {
          const vector = randomUnit(DIMENSION, random);
          const query = { vector, target, filter, limit: LIMIT };
          const own = await ranking.byEmbedding({ ...query, encoderId, offset: 0 });
          found.push({
            what: `embedding ${target}`,
            approximate: own.approximate,
            recall: recall(own, byEmbedding(vector, target, every)),
          });
          for (const queryModality of MODALITIES) {
            const extractor = EXTRACTORS[queryModality];
            const paired = await ranking.byCounterpart({ ...query, extractor, queryModality });
            found.push({
              what: `counterpart of ${queryModality} ${target}`,
              approximate: paired.approximate,
              recall: recall(paired, byCounterpart(vector, queryModality, target, every)),
            });
          }
        }
      }
      expect(found.filter((one) => !one.approximate && one.recall < 1)).toEqual([]);
      const approximate = found.filter((one) => one.approximate);
      if (way === 'without an index') expect(approximate).toEqual([]);
      if (way === 'by index only' && every <= 10) expect(approximate.length).toBeGreaterThan(0);
      const mean = approximate.reduce((sum, one) => sum + one.recall, 0) / Math.max(1, approximate.length);
      if (approximate.length > 0) expect(mean, JSON.stringify(approximate)).toBeGreaterThanOrEqual(0.95);
    });
  });
});
