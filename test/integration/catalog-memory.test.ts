import pg from 'pg';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { CounterpartQuery, EmbeddingQuery, ItemWrite, Ranking } from '../../src/catalog/types.js';
import { copyReader } from '../../src/catalog/vectors/copy-reader.js';
import { StampedCopies, type Wanted } from '../../src/catalog/vectors/stamped-copies.js';
import { VectorMemory } from '../../src/catalog/vectors/vector-memory.js';
import { VectorStamps } from '../../src/catalog/vectors/vector-stamp.js';
import { embeddingTable, featureTable } from '../../src/catalog/vectors/vector-tables.js';
import { describeOnEachKind, emptyCatalog, openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { imageWrite, randomOf, randomUnit, textWrite } from '../support/catalog-items.js';

const IMAGES = 'pixels@1';
const TEXTS = 'words@1';
const TARGETS = ['IMAGE', 'TEXT', null] as const;

describeOnEachKind('copies of vectors in memory', (kind) => {
  let opened: TestCatalog;
  let copies: StampedCopies;
  let memory: VectorMemory;
  let encoderId: string;
  let writes: ItemWrite[];
  /** On a server a connection of its own, as another server has; the embedded one has a single session. */
  let elsewhere: (sql: string, values?: unknown[]) => Promise<unknown>;
  let disconnect = async () => {};

  const catalog = () => opened.catalog;
  const wanted = (): Wanted[] => [
    { kind: 'items' },
    { kind: 'embeddings', encoderId },
    { kind: 'features', extractor: TEXTS, modality: 'TEXT' },
    { kind: 'features', extractor: IMAGES, modality: 'IMAGE' },
  ];
  const newCopies = (mostFloats?: number) =>
    new StampedCopies(
      copyReader(catalog().database, catalog().vectors.tables, mostFloats),
      new VectorStamps(catalog().database),
    );
  const stamp = () => copies.stamps.read(copies.partitions());

  beforeAll(async () => {
    opened = await openTestCatalog(kind);
    elsewhere = (sql, values) => catalog().database.runOnce(sql, values);
    if (kind === 'embedded') return;
    const { options } = catalog().database.pool;
    const client = new pg.Client({ connectionString: options.connectionString });
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
    encoderId = await createEncoder();
    writes = await fill();
    copies = newCopies();
    memory = new VectorMemory(copies);
    await copies.hold(wanted());
  });
  afterEach(() => copies.close());

  async function createEncoder(): Promise<string> {
    const id = uuidv7();
    const row = { id, dimension: 6, imageExtractor: IMAGES, textExtractor: TEXTS, config: {}, report: {} };
    await catalog().encoders.create(row, new Uint8Array([7]));
    return id;
  }

  /** Pictures with a caption or several, captions of several pictures, items alone, doubles, and zeros. */
  async function fill(): Promise<ItemWrite[]> {
    const random = randomOf(11);
    let [feature, embedding] = [randomUnit(20, random), randomUnit(6, random)];
    const made = Array.from({ length: 90 }, (_, n) => {
      if (n % 3 === 0) [feature, embedding] = [randomUnit(20, random), randomUnit(6, random)];
      const common = {
        classNames: [`class ${n % 4}`, `class ${n % 6}`],
        metadata: { n },
        pairKey: n % 7 === 0 ? null : `pair ${n % 25}`,
        embeddings: new Map([[encoderId, embedding]]),
      };
      const zero = n === 40;
      return n % 2 === 0
        ? imageWrite(`image ${n}`, {
            ...common,
            features: new Map([[IMAGES, zero ? new Float32Array(20) : feature]]),
          })
        : textWrite(`text ${n}`, { ...common, features: new Map(n % 13 === 0 ? [] : [[TEXTS, feature]]) });
    });
    await catalog().items.upsertMany(made);
    const without = made.filter((_, n) => n % 11 === 0).map(({ id }) => id);
    await catalog().database.runOnce('DELETE FROM embedding WHERE item_id = ANY($1)', [without]);
    return made;
  }

  type Asked = Omit<EmbeddingQuery, 'filter'>;
  const content = (vector: Float32Array, differing: Partial<Asked> = {}): Asked => ({
    encoderId,
    vector,
    target: null,
    limit: 20,
    offset: 0,
    ...differing,
  });
  const counterpart = (
    vector: Float32Array,
    differing: Partial<CounterpartQuery> = {},
  ): CounterpartQuery => ({
    extractor: TEXTS,
    queryModality: 'TEXT',
    vector,
    target: null,
    filter: null,
    limit: 20,
    ...differing,
  });

  function expectSame(held: Ranking | null, ranked: Ranking): void {
    expect(held).not.toBeNull();
    expect(held?.hits.map(({ id }) => id)).toEqual(ranked.hits.map(({ id }) => id));
    ranked.hits.forEach(({ similarity }, i) => {
      expect(held?.hits[i]?.similarity).toBeCloseTo(similarity, 6);
    });
    expect(held?.approximate).toBe(false);
  }

  /** What memory says of some queries, if it says anything, is what the database says. */
  async function expectSameAsDatabase(): Promise<void> {
    const random = randomOf(3);
    const now = await stamp();
    const { vectors } = catalog();
    const ids = writes.map(({ id }) => id);
    const shown = copies.find({ kind: 'items' }, now)?.byId;
    expect(ids.flatMap((id) => shown?.get(id) ?? [])).toEqual(await catalog().items.shown(ids));
    for (const target of TARGETS) {
      for (const [limit, offset] of [
        [1, 0],
        [20, 0],
        [7, 15],
        [500, 30],
      ] as const) {
        const asked = content(randomUnit(6, random), { target, limit, offset });
        const ranked = await vectors.nearestByEmbedding({ ...asked, filter: null });
        expectSame(memory.byEmbedding({ ...asked, stamp: now }), ranked);
      }
      for (const queryModality of ['TEXT', 'IMAGE'] as const) {
        const extractor = queryModality === 'TEXT' ? TEXTS : IMAGES;
        for (const limit of [1, 20, 500]) {
          const asked = counterpart(randomUnit(20, random), { extractor, queryModality, target, limit });
          expectSame(
            memory.byCounterpart({ ...asked, stamp: now }),
            await vectors.nearestByCounterpart(asked),
          );
        }
      }
    }
  }

  const answers = async () => {
    const now = await stamp();
    const byContent = memory.byEmbedding(content(randomUnit(6, randomOf(1)), { stamp: now }));
    const byCounterpart = memory.byCounterpart(counterpart(randomUnit(20, randomOf(1)), { stamp: now }));
    return [byContent !== null, byCounterpart !== null, copies.find({ kind: 'items' }, now) !== null];
  };

  it('rank as the database does, equal ones and zeros too', () => expectSameAsDatabase());

  it('answer nothing without a stamp, and leave a vector of another length to the database', async () => {
    const vector = randomUnit(6, randomOf(1));
    expect(memory.byEmbedding(content(vector))).toBeNull();
    expect(memory.byEmbedding(content(randomUnit(5, randomOf(1)), { stamp: await stamp() }))).toBeNull();
  });

  describe('are of no use from the moment that another connection', () => {
    const id = (n: number) => writes[n]?.id;
    const vector = (dimension: number) => `[${[1, ...new Array(dimension - 1).fill(0)].join(',')}]`;
    const changes: Record<string, () => Promise<unknown>> = {
      'stores an item': () =>
        elsewhere(
          `INSERT INTO item (id, modality, text, content_hash, pair_id)
           SELECT gen_random_uuid(), 'TEXT', 'new', 'new', pair_id FROM item WHERE id = $1`,
          [id(1)],
        ),
      'deletes an item': () => elsewhere('DELETE FROM item WHERE id = $1', [id(2)]),
      'pairs an item otherwise': () =>
        elsewhere('UPDATE item SET pair_id = (SELECT max(id::text)::uuid FROM pair) WHERE id = $1', [id(2)]),
      'deletes a pair': () => elsewhere(`DELETE FROM pair WHERE key = 'pair 4'`),
      'stores a feature': () =>
        elsewhere(`INSERT INTO feature (item_id, extractor, vec) VALUES ($1, '${TEXTS}', '${vector(20)}')`, [
          id(13),
        ]),
      'changes a feature by its partition’s name': () =>
        elsewhere(`UPDATE ${featureTable(TEXTS)} SET vec = '${vector(20)}' WHERE item_id = $1`, [id(1)]),
      'deletes features by their partition’s name': () =>
        elsewhere(`DELETE FROM ${featureTable(TEXTS)} WHERE item_id = $1`, [id(1)]),
      'stores an embedding by its partition’s name': () =>
        elsewhere(
          `INSERT INTO ${embeddingTable(encoderId, 'IMAGE')} (encoder_id, item_id, modality, vec)
           VALUES ('${encoderId}', $1, 'IMAGE', '${vector(6)}')`,
          [id(22)],
        ),
      'deletes embeddings': () => elsewhere('DELETE FROM embedding WHERE item_id = $1', [id(1)]),
      'renames an item': () => elsewhere(`UPDATE item SET title = 'other' WHERE id = $1`, [id(2)]),
      'takes a class from an item': () => elsewhere('DELETE FROM item_class WHERE item_id = $1', [id(2)]),
      'gives an item a class': () =>
        elsewhere('INSERT INTO item_class SELECT $1, id FROM class ON CONFLICT DO NOTHING', [id(2)]),
      'renames a class': () => elsewhere(`UPDATE class SET name = 'other' WHERE name = 'class 3'`),
      'deletes a class': () => elsewhere(`DELETE FROM class WHERE name = 'class 3'`),
      'empties the classes': () => elsewhere('TRUNCATE class CASCADE'),
      'empties the catalogue': () => elsewhere('TRUNCATE item, pair CASCADE'),
      'changes an item after a savepoint that it goes back to': async () => {
        const change = `UPDATE item SET pair_id = NULL WHERE id = '${id(2)}'`;
        await elsewhere(`BEGIN; SAVEPOINT a; ${change}; ROLLBACK TO a; ${change}; COMMIT`);
      },
    };
    /** Those that leave copies of other partitions as they are: content, counterpart and items. */
    const others: Record<string, readonly boolean[]> = {
      'stores a feature': [true, false, true],
      'changes a feature by its partition’s name': [true, false, true],
      'deletes features by their partition’s name': [true, false, true],
      'stores an embedding by its partition’s name': [false, true, true],
      'deletes embeddings': [false, true, true],
    };
    for (const [what, change] of Object.entries(changes)) {
      it(what, async () => {
        expect(await answers()).toEqual([true, true, true]);
        await change();
        expect(await answers()).toEqual(others[what] ?? [false, false, false]);
        // Having been asked for, they come back by themselves, now that nothing changes.
        await copies.settled();
        expect(await answers()).toEqual([true, true, true]);
        await copies.hold(wanted());
        await expectSameAsDatabase();
      });
    }

    it('empties or drops a partition by its own name', async () => {
      await elsewhere(`TRUNCATE ${featureTable(TEXTS)}`);
      expect(await answers()).toEqual([true, false, true]);
      await elsewhere(`DROP TABLE ${embeddingTable(encoderId)}`);
      expect(await answers()).toEqual([false, false, true]);
    });
  });

  it('stay of use when nothing of theirs has changed', async () => {
    await elsewhere(`BEGIN; UPDATE item SET pair_id = NULL; DELETE FROM feature; ROLLBACK`);
    await elsewhere(`INSERT INTO class (id, name) VALUES (gen_random_uuid(), 'new')`);
    await catalog().encoders.updateReport(encoderId, { a: 1 });
    expect(await answers()).toEqual([true, true, true]);
    await expectSameAsDatabase();
  });

  it('stay of use while another encoder embeds, and another extractor extracts, in one transaction or several', async () => {
    const other = await createEncoder();
    const [first, second] = writes.filter(({ modality }) => modality === 'TEXT');
    const vectors = { data: randomUnit(6, randomOf(5)), rows: 1, columns: 6 };
    await catalog().vectors.storeEmbeddings(other, 'TEXT', [first?.id ?? ''], vectors);
    await catalog().vectors.fillFeatures('other@1', [
      { itemId: first?.id ?? '', contentHash: first?.contentHash ?? '', vector: randomUnit(9, randomOf(6)) },
    ]);
    const change = (encoder: string) =>
      `UPDATE ${embeddingTable(encoder, 'TEXT')} SET vec = vec WHERE item_id <> '${second?.id}'`;
    await elsewhere(change(other));
    expect(await answers()).toEqual([true, true, true]);
    await expectSameAsDatabase();
    // What comes after in the same transaction is not taken for noted.
    await elsewhere(`BEGIN; ${change(other)}; ${change(encoderId)}; COMMIT`);
    expect(await answers()).toEqual([false, true, true]);
  });

  it('stay of use, and current, while the record of changes is folded', async () => {
    const gone = await createEncoder();
    const vectors = { data: randomUnit(6, randomOf(5)), rows: 1, columns: 6 };
    await catalog().vectors.storeEmbeddings(gone, 'TEXT', [writes[1]?.id ?? ''], vectors);
    await catalog().encoders.remove(gone);
    const rows = async () =>
      (
        await catalog().database.runOnce<{ n: number; scopes: number; known: number }>(
          `SELECT count(*)::int AS n, count(DISTINCT scope)::int AS scopes,
             count(*) FILTER (WHERE scope = 0 OR scope IN (SELECT oid FROM pg_class))::int AS known FROM vectors.change`,
        )
      )[0];
    for (let n = 0; n < 300; n += 1)
      await elsewhere(`UPDATE item SET title = '${n}' WHERE id = $1`, [writes[0]?.id]);
    await copies.hold(wanted());
    const before = await stamp();
    await copies.stamps.settled();
    // At most one for each partition that there is, and one for everything else.
    const left = await rows();
    expect(left).toEqual({ n: left?.scopes, scopes: left?.scopes, known: left?.scopes });
    expect((await stamp()).changes).toBe(before.changes);
    await copies.hold(wanted());
    expect(await answers()).toEqual([true, true, true]);
    await elsewhere('DELETE FROM item WHERE id = $1', [writes[0]?.id]);
    expect(await answers()).toEqual([false, false, false]);
  });

  it('never answer with what was, however writes and copies fall together', async () => {
    const random = randomOf(2);
    for (let round = 0; round < 12; round += 1) {
      const holding = copies.hold(wanted());
      const id = writes[round]?.id;
      await elsewhere(
        round % 2 === 0 ? 'UPDATE item SET pair_id = NULL WHERE id = $1' : 'DELETE FROM item WHERE id = $1',
        [id],
      );
      const asked = counterpart(randomUnit(20, random), { target: 'IMAGE' });
      const held = memory.byCounterpart({ ...asked, stamp: await stamp() });
      if (held !== null) expectSame(held, await catalog().vectors.nearestByCounterpart(asked));
      await holding;
      const after = memory.byCounterpart({ ...asked, stamp: await stamp() });
      if (after !== null) expectSame(after, await catalog().vectors.nearestByCounterpart(asked));
    }
    await copies.hold(wanted());
    await expectSameAsDatabase();
  });

  it('are not made of what is large or indexed, nor after the end', async () => {
    const small = newCopies(100);
    await small.hold(wanted());
    expect(small.partitions()).toEqual([]);
    await small.close();
    await catalog().vectors.ensureIndexes(1);
    const indexed = newCopies();
    await indexed.hold(wanted());
    expect(indexed.partitions()).toEqual([]);
    await indexed.close();
    await copies.close();
    expect(copies.partitions()).toEqual([]);
    await copies.hold(wanted());
    expect(copies.partitions()).toEqual([]);
  });

  it('tell encoders apart, and a search learns which is active with its stamp', async () => {
    expect((await catalog().encoders.activeAndStamp()).encoder).toBeNull();
    const other = await createEncoder();
    await catalog().encoders.activate(encoderId);
    expect((await catalog().encoders.activeAndStamp()).encoder?.id).toBe(encoderId);
    await catalog().encoders.activate(other);
    expect((await catalog().encoders.activeAndStamp()).encoder?.id).toBe(other);
    const asked = { ...content(randomUnit(6, randomOf(1)), { encoderId: other, stamp: await stamp() }) };
    expect(memory.byEmbedding(asked)).toBeNull();
    await copies.hold([{ kind: 'embeddings', encoderId: other }]);
    expect(memory.byEmbedding({ ...asked, stamp: await stamp() })?.hits).toEqual([]);
  });
});
