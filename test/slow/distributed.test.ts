import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/catalog/postgres/database.js';
import type { ItemWrite, Ranking } from '../../src/catalog/types.js';
import { FilterMatches } from '../../src/catalog/vectors/filter-matches.js';
import type { ItemFilter } from '../../src/domain/filter.js';
import { MODALITIES, type Modality } from '../../src/domain/modality.js';
import { createTestDatabase } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';
import { createDistributedDatabase } from '../support/citus.js';
import { onServer } from '../support/servers.js';

const CITUS = process.env.TEST_CITUS_URL;
const PAIRS = 1_000;
const DIMENSION = 12;
const EXTRACTORS = { IMAGE: 'pixels@1', TEXT: 'words@1' } as const;
const ENCODER = '01a20000-0000-7000-8000-000000000001';
const FILTERS: readonly (ItemFilter | null)[] = [
  null,
  { classNames: ['class 1'] },
  { not: { classNames: ['class 1', 'class 2'] }, metadata: { even: true } },
  { or: [{ classNames: ['class 0'] }, { metadata: { even: true } }] },
  { metadata: { n: 7 } },
];

type Catalog = Awaited<ReturnType<typeof openCatalog>>;

async function fill({ encoders, items }: Catalog): Promise<void> {
  const read = { imageExtractor: EXTRACTORS.IMAGE, textExtractor: EXTRACTORS.TEXT };
  await encoders.create(
    { id: ENCODER, dimension: DIMENSION, ...read, config: {}, report: {} },
    Uint8Array.of(7),
  );
  const random = randomOf(3);
  const vectors = (modality: Modality) => ({
    embeddings: new Map([[ENCODER, randomUnit(DIMENSION, random)]]),
    features: new Map([[EXTRACTORS[modality], randomUnit(DIMENSION, random)]]),
  });
  const writes = Array.from({ length: PAIRS }, (_, n): ItemWrite[] => {
    const common = {
      pairKey: `pair ${n % 800}`,
      classNames: [`class ${n % 5}`],
      metadata: { n, even: n % 2 === 0 },
    };
    return [
      imageWrite(`image ${n}`, { ...common, ...vectors('IMAGE') }),
      textWrite(`text ${n}`, { ...common, ...vectors('TEXT'), externalId: `text ${n}` }),
    ];
  }).flat();
  for (let start = 0; start < writes.length; start += 500)
    await items.upsertMany(writes.slice(start, start + 500));
}

/** Rankings of both kinds, for each target and filter. */
async function rankings({ ranking }: Catalog, limit = 20): Promise<Ranking[]> {
  const random = randomOf(8);
  const found: Ranking[] = [];
  for (const filter of FILTERS) {
    for (const target of [...MODALITIES, null]) {
      const vector = randomUnit(DIMENSION, random);
      found.push(await ranking.byEmbedding({ encoderId: ENCODER, vector, target, filter, limit, offset: 0 }));
      const queryModality = target === 'TEXT' ? 'IMAGE' : 'TEXT';
      const extractor = EXTRACTORS[queryModality];
      found.push(await ranking.byCounterpart({ extractor, vector, queryModality, target, filter, limit }));
    }
  }
  return found;
}

/** Identities that several items or pairs have. */
function repeated({ database }: Catalog): Promise<object[]> {
  return database.runOnce(
    `SELECT external_id FROM item WHERE external_id IS NOT NULL GROUP BY 1 HAVING count(*) > 1
     UNION ALL SELECT content_hash FROM item WHERE external_id IS NULL GROUP BY modality, content_hash, pair_id HAVING count(*) > 1
     UNION ALL SELECT id::text FROM item GROUP BY 1 HAVING count(*) > 1
     UNION ALL SELECT key FROM pair GROUP BY 1 HAVING count(*) > 1`,
  );
}

/** Rows that are not where their item or pair is. */
function misplaced({ database }: Catalog): Promise<object[]> {
  const belongings = ['item_class', 'feature', 'embedding'].map(
    (table) =>
      `UNION ALL SELECT '${table} ' || t.item_id FROM ${table} t JOIN item i ON i.id = t.item_id WHERE t.home <> i.home`,
  );
  return database.transaction(async (tx) => {
    // Joins that are not within a shard.
    await tx.runOnce('SET LOCAL citus.enable_repartition_joins = on');
    return await tx.runOnce(
      `SELECT 'pair ' || id FROM pair WHERE home <> id
       UNION ALL SELECT 'item ' || id FROM item WHERE home <> COALESCE(pair_id, id) ${belongings.join(' ')}`,
    );
  });
}

describe.skipIf(!CITUS)(
  `a catalogue that is distributed${CITUS ? '' : ' (TEST_CITUS_URL is not set)'}`,
  () => {
    let database: Awaited<ReturnType<typeof createDistributedDatabase>>;
    let catalog: Catalog;
    beforeAll(async () => {
      database = await createDistributedDatabase(CITUS ?? '', { empty: true });
      catalog = await openCatalog({ databaseUrl: database.url });
      await fill(catalog);
    });
    afterAll(async () => {
      await catalog.close();
      await database.drop();
    });

    it('has the same items and the same exact rankings as before, and keeps them with indexes', async () => {
      const before = await rankings(catalog);
      const items = await catalog.items.page({ filter: null, afterId: null, limit: 5_000 });
      expect(await catalog.nodes.topology()).toBeNull();

      const other = await openCatalog({ databaseUrl: database.url });
      await expect(catalog.nodes.distribute(4)).rejects.toMatchObject({ code: 'BUSY' });
      await other.close();
      await catalog.nodes.distribute(4);
      await catalog.close();
      catalog = await openCatalog({ databaseUrl: database.url });

      const topology = await catalog.nodes.topology();
      expect(topology).toMatchObject({ shards: 4, differing: [] });
      expect(topology?.workers.reduce((sum, { shards }) => sum + shards, 0)).toBe(4);
      expect(topology?.workers.every(({ bytes, problem }) => bytes > 0 && problem === null)).toBe(true);
      expect(await catalog.items.page({ filter: null, afterId: null, limit: 5_000 })).toEqual(items);
      expect(await rankings(catalog)).toEqual(before);
      // The coordinator stores no second copy of what it has distributed.
      const [left] = await catalog.database.runOnce<{ bytes: number }>(
        `SELECT (pg_relation_size('item') + pg_relation_size('item_class') + sum(pg_relation_size(relid)))::int AS bytes
         FROM (SELECT relid FROM pg_partition_tree('feature') UNION ALL SELECT relid FROM pg_partition_tree('embedding')) t`,
      );
      expect(left).toEqual({ bytes: 0 });

      expect(await catalog.indexes.ensure({ rows: 500 })).toHaveLength(4);
      expect(await catalog.indexes.lacking(500)).toEqual([]);
      const indexed = await rankings(catalog);
      let [found, wanted] = [0, 0];
      indexed.forEach(({ hits, approximate }, i) => {
        const exact = before[i]?.hits.map(({ id }) => id) ?? [];
        if (!approximate) expect(hits.map(({ id }) => id)).toEqual(exact);
        found += exact.filter((id) => hits.some((hit) => hit.id === id)).length;
        wanted += exact.length;
      });
      expect(indexed.some(({ approximate }) => approximate)).toBe(true);
      expect(found / wanted).toBeGreaterThan(0.98);
      expect(await catalog.nodes.distribute(8)).toMatchObject({ shards: 4 });
    });

    it('has estimates of the items that match, which need no count', async () => {
      await catalog.database.runOnce('ANALYZE item, item_class, class');
      const sent: string[] = [];
      const database = {
        ...catalog.database,
        runOnce: (text: string, values?: readonly unknown[]) => {
          sent.push(text);
          return catalog.database.runOnce(text, values);
        },
      } as Database;
      // 200 pictures have the class.
      expect(await new FilterMatches(database).moreThan({ classNames: ['class 1'] }, 'IMAGE', 60)).toBe(true);
      expect(sent.map((text) => text.startsWith('EXPLAIN'))).toEqual([true]);
    });

    it('has the same rows on all nodes after concurrent writers', async () => {
      const others = await Promise.all([1, 2].map(() => openCatalog({ databaseUrl: database.url })));
      const { items } = catalog;
      const known = await items.page({ filter: { modality: 'TEXT' }, afterId: null, limit: 40 });
      const retitle = async (by: Catalog, externalId: string, title: string) => {
        const [item] = await by.items.toUpdate([], [externalId]);
        if (item === undefined) throw new Error(`no item ${externalId}`);
        const { id, metadata } = item.row;
        const words = { title, text: null, language: null };
        const update = {
          id,
          version: item.version,
          title,
          metadata,
          language: null,
          pairKey: item.pairKey,
          words,
        };
        await by.items
          .update([{ ...update, addedClasses: [title], removedClasses: [] }])
          .catch((error: unknown) => {
            if ((error as Error).name !== 'ItemsChanged') throw error;
          });
      };
      const write = async (by: Catalog, writer: number) => {
        for (let round = 0; round < 6; round += 1) {
          // The same pairs, classes and identities by all, and items that others replace and delete.
          const writes = [0, 1, 2].map((k) =>
            textWrite(`shared ${round} ${k}`, {
              pairKey: `shared ${k}`,
              classNames: [`shared ${round % 2}`],
            }),
          );
          await by.items.upsertMany(writes).catch((error: unknown) => {
            if ((error as Error).name !== 'IdentityConflict') throw error;
          });
          await by.items.delete([known[(writer * 6 + round) % known.length]?.id ?? '']);
          await retitle(by, `text ${500 + round}`, `by ${writer}`);
        }
      };
      await Promise.all([catalog, ...others].flatMap((by, n) => [write(by, 2 * n), write(by, 2 * n + 1)]));
      await Promise.all(others.map((one) => one.close()));
      const [renamed, merged, kept] = await catalog.classes.byNames(['class 0', 'class 1', 'class 2']);
      if (!renamed || !merged || !kept) throw new Error('no classes');
      await catalog.classes.rename(renamed.id, { name: 'renamed', description: 'another' });
      await catalog.classes.merge([merged.id], kept.id);
      await catalog.database.runOnce(`UPDATE item SET lexemes = NULL WHERE external_id LIKE 'text 1%'`);
      expect(await catalog.words.fill()).toBeGreaterThan(50);
      const copies = await catalog.database.runOnce<{ result: string; success: boolean }>(
        `SELECT success, result FROM run_command_on_placements('class',
         'SELECT count(*) || md5(string_agg(t::text, '''' ORDER BY t::text)) FROM %s t')`,
      );
      expect(copies.length).toBeGreaterThan(2);
      expect(copies.every(({ success }) => success)).toBe(true);
      expect(new Set(copies.map(({ result }) => result)).size).toBe(1);
      expect(await repeated(catalog)).toEqual([]);
      expect(await misplaced(catalog)).toEqual([]);
      expect(await items.count({ modality: 'IMAGE' })).toBe(PAIRS);
    });
  },
);

describe.skipIf(!CITUS)('items that join and leave pairs', () => {
  it('move with all that belongs to them', async () => {
    const { url, drop } = await createDistributedDatabase(CITUS ?? '');
    const catalog = await openCatalog({ databaseUrl: url });
    const { database, items } = catalog;
    /** Every row of an item, without what a move changes. */
    const rowsOf = (id: string) =>
      database.runOnce<{ row: object }>(
        `SELECT to_jsonb(i) - '{home,pair_id,updated_at}'::text[] AS row FROM item i WHERE id = '${id}'
         UNION ALL SELECT to_jsonb(t) - 'home' FROM item_class t WHERE item_id = '${id}'
         UNION ALL SELECT to_jsonb(t) - 'home' FROM feature t WHERE item_id = '${id}'
         UNION ALL SELECT to_jsonb(t) - 'home' FROM embedding t WHERE item_id = '${id}'`,
      );
    const sorted = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).sort();
    const partnersOf = async (id: string) => {
      const [found] = await items.counterparts([{ itemId: id, afterId: null, limit: 9 }]);
      return found?.map(({ externalId }) => externalId);
    };
    try {
      await fill(catalog);
      const [picture] = await items.page({ filter: { modality: 'IMAGE' }, afterId: null, limit: 1 });
      if (picture === undefined) throw new Error('no picture');
      const { id } = picture;
      const before = sorted(await rowsOf(id));
      expect(before).toHaveLength(4);
      const [text] = await items.toUpdate([], ['text 5']);
      if (text === undefined) throw new Error('no text');
      for (const pairKey of ['pair 5', null, 'new pair', 'pair 6']) {
        const [stored] = await items.toUpdate([id], []);
        if (stored === undefined) throw new Error('the picture is gone');
        const { title, metadata } = stored.row;
        const words = { title, text: null, language: null };
        const update = { id, version: stored.version, title, metadata, language: null, pairKey, words };
        await items.update([{ ...update, addedClasses: [], removedClasses: [] }]);
        expect(sorted(await rowsOf(id))).toEqual(before);
        expect(await misplaced(catalog)).toEqual([]);
        const texts = { 'pair 5': ['text 5', 'text 805'], 'pair 6': ['text 6', 'text 806'] };
        const partners = (await partnersOf(id))?.filter((externalId) => externalId !== null);
        expect(partners).toEqual(texts[pairKey as keyof typeof texts] ?? []);
      }
      // A write that replaces the text, with new vectors, in another pair.
      const random = randomOf(5);
      await items.upsertMany([
        textWrite('text 5', {
          id: text.row.id,
          externalId: 'text 5',
          pairKey: 'pair 6',
          classNames: ['moved'],
          embeddings: new Map([[ENCODER, randomUnit(DIMENSION, random)]]),
          features: new Map([[EXTRACTORS.TEXT, randomUnit(DIMENSION, random)]]),
        }),
      ]);
      expect(await misplaced(catalog)).toEqual([]);
      expect(await repeated(catalog)).toEqual([]);
      expect(await rowsOf(text.row.id)).toHaveLength(4);
      expect((await partnersOf(id))?.filter((externalId) => externalId !== null)).toEqual([
        'text 5',
        'text 6',
        'text 806',
      ]);
      expect(await items.count({ modality: 'TEXT' })).toBe(PAIRS);
      // The last one leaves a pair, which goes.
      const [gone] = await database.runOnce(`SELECT 1 FROM pair WHERE key = 'new pair'`);
      expect(gone).toBeUndefined();
    } finally {
      await catalog.close();
      await drop();
    }
  });

  it('keep their identities unique', async () => {
    const { url, drop } = await createDistributedDatabase(CITUS ?? '');
    const catalog = await openCatalog({ databaseUrl: url });
    const { items } = catalog;
    try {
      await items.upsertMany([textWrite('one', { externalId: 'a' }), textWrite('two', { pairKey: 'p' })]);
      const refused = [
        [textWrite('other', { externalId: 'a' })],
        [textWrite('two', { pairKey: 'p' })],
        [textWrite('b', { externalId: 'b' }), textWrite('c', { externalId: 'b' })],
        [textWrite('three'), textWrite('three')],
      ];
      for (const writes of refused)
        await expect(items.upsertMany(writes)).rejects.toMatchObject({ name: 'IdentityConflict' });
      await items.upsertMany([textWrite('two'), textWrite('two', { pairKey: 'q' })]);
      expect(await items.count(null)).toBe(4);
      const twice = [0, 1, 2, 3].map(() => textWrite('by several', { externalId: 'c' }));
      const writes = await Promise.allSettled(twice.map((write) => items.upsertMany([write])));
      expect(writes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await repeated(catalog)).toEqual([]);
    } finally {
      await catalog.close();
      await drop();
    }
  });
});

describe.skipIf(!CITUS)('a database that cannot be distributed', () => {
  it('is one whose coordinator knows no worker', async () => {
    const { url, drop } = await createDistributedDatabase(CITUS ?? '', { empty: true, workers: false });
    const catalog = await openCatalog({ databaseUrl: url });
    try {
      await expect(catalog.nodes.distribute()).rejects.toMatchObject({
        code: 'CITUS_MISSING',
        message: expect.stringContaining('citus_add_node'),
      });
    } finally {
      await catalog.close();
      await drop();
    }
  });
});

describe.skipIf(!CITUS)('a database that a former version has distributed', () => {
  it('is refused before it is migrated', async () => {
    const { url, drop } = await createDistributedDatabase(CITUS ?? '', { empty: true });
    try {
      await (await openCatalog({ databaseUrl: url })).close();
      await onServer(
        url,
        ...['pair', 'class', 'item', 'item_class'].map(
          (table) => `SELECT create_reference_table('${table}')`,
        ),
        `SELECT create_distributed_table('feature', 'item_id', colocate_with => 'none')`,
        `DELETE FROM _prisma_migrations WHERE migration_name = '0027_home'`,
      );
      await expect(openCatalog({ databaseUrl: url })).rejects.toMatchObject({ code: 'CITUS_LAYOUT' });
      expect(
        await onServer(url, `SELECT 1 FROM _prisma_migrations WHERE migration_name = '0027_home'`),
      ).toEqual([]);
    } finally {
      await drop();
    }
  });
});

describe.skipIf(!process.env.TEST_DATABASE_URL || CITUS)('a database without Citus', () => {
  it('cannot be distributed', async () => {
    const { url, drop } = await createTestDatabase();
    const catalog = await openCatalog({ databaseUrl: url });
    try {
      await expect(catalog.nodes.distribute()).rejects.toMatchObject({ code: 'CITUS_MISSING' });
      expect(await catalog.nodes.topology()).toBeNull();
    } finally {
      await catalog.close();
      await drop();
    }
  });
});
