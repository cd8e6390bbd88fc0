import type { ItemFilter } from '../../domain/filter.js';
import { type Matrix, rowOf } from '../../domain/matrix.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import type { Database, Queryable } from '../postgres/database.js';
import type {
  ClassMean,
  CounterpartQuery,
  EmbeddingQuery,
  EvidenceQuery,
  EvidenceRankings,
  Ranking,
  TrainingPair,
  VectorChunk,
} from '../types.js';
import { filterSql, Parameters } from './filter-sql.js';
import { CHUNK_FLOATS, chunksOf } from './vector-chunks.js';
import { decodeVector, encodeUuidArray, encodeVectorArray } from './vector-codec.js';
import { fillFeatures, type LateFeature } from './vector-fill.js';
import type { VectorSearch } from './vector-search.js';
import { embeddingTable, featureTable, type VectorTables } from './vector-tables.js';

/** Partitions smaller than this are compared row by row: 64 dimensions take about 20 ms then. */
const INDEX_FROM_ROWS = 20_000;

/** Postgres's codes for what may happen to a writer whose items are deleted meanwhile. */
const FOREIGN_KEY_VIOLATION = '23503';
const DEADLOCK_DETECTED = '40P01';
const PUT_ATTEMPTS = 10;

/** Stores, reads and ranks by vectors. All are brought to unit length where they enter (a zero vector stays zero). */
export class VectorStore {
  private oid: number | null = null;

  constructor(
    private readonly db: Database,
    readonly tables: VectorTables,
    private readonly search: VectorSearch,
  ) {}

  /** Items by the closeness of their own embedding in the common space. */
  nearestByEmbedding(query: EmbeddingQuery): Promise<Ranking> {
    return this.search.nearestByEmbedding(query);
  }

  /**
   * Items by the features of their counterparts of the query's modality: the closest one counts. An item of the query's
   * own modality is its own counterpart.
   */
  nearestByCounterpart(query: CounterpartQuery): Promise<Ranking> {
    return this.search.nearestByCounterpart(query);
  }

  /** Both kinds of evidence, in one round trip where one is enough. */
  nearest(query: EvidenceQuery): Promise<EvidenceRankings> {
    return this.search.nearest(query);
  }

  /** Indexes every large partition that has no index yet; see VectorTables. Searches are exact until then. */
  ensureIndexes(threshold = INDEX_FROM_ROWS): Promise<string[]> {
    return this.tables.ensureIndexes(threshold);
  }

  /** Makes the partitions for an encoder's embeddings; Encoders.create does it already. */
  createEncoderPartitions(encoderId: string): Promise<void> {
    return this.tables.ensureEmbeddings(encoderId);
  }

  /** Replaces the features of one extractor of these items. The partition must be there (VectorTables.ensureFeatures). */
  async putFeatures(
    on: Queryable,
    extractor: string,
    features: ReadonlyMap<string, Float32Array>,
  ): Promise<void> {
    for (const [ids, vectors] of encodedChunks(await this.vectorOid(on), features)) {
      await on.run(
        `INSERT INTO ${featureTable(extractor)} (item_id, extractor, vec)
         SELECT id, $1, vec FROM unnest($2::uuid[], $3::vector[]) AS u (id, vec)
         ON CONFLICT (item_id, extractor) DO UPDATE SET vec = EXCLUDED.vec`,
        [extractor, ids, vectors],
      );
    }
  }

  /** Replaces one encoder's embeddings of these items, all of one modality; those deleted meanwhile are passed over. */
  async putEmbeddings(
    on: Queryable,
    encoderId: string,
    modality: Modality,
    embeddings: ReadonlyMap<string, Float32Array>,
    onConflict: 'NOTHING' | 'UPDATE SET vec = EXCLUDED.vec' = 'UPDATE SET vec = EXCLUDED.vec',
  ): Promise<void> {
    for (const [ids, vectors] of encodedChunks(await this.vectorOid(on), embeddings)) {
      await on.run(
        `INSERT INTO ${embeddingTable(encoderId, modality)} (encoder_id, item_id, modality, vec)
         SELECT $1::uuid, id, $2::modality, vec FROM unnest($3::uuid[], $4::vector[]) AS u (id, vec)
         WHERE EXISTS (SELECT 1 FROM item i WHERE i.id = u.id)
         ON CONFLICT (item_id, encoder_id, modality) DO ${onConflict}`,
        [encoderId, modality, ids, vectors],
      );
    }
  }

  /**
   * Stores embeddings that items of one modality lack: row i of the matrix is that of `ids[i]`. One that came meanwhile
   * stays: it may be of a newer content.
   */
  async storeEmbeddings(
    encoderId: string,
    modality: Modality,
    ids: readonly string[],
    matrix: Matrix,
    on: Queryable = this.db,
  ): Promise<void> {
    if (matrix.rows !== ids.length) throw new Error(`${ids.length} ids for ${matrix.rows} rows`);
    const embeddings = new Map(ids.map((id, i) => [id, rowOf(matrix, i)]));
    const put = () => this.putEmbeddings(on, encoderId, modality, embeddings, 'NOTHING');
    if (on !== this.db) return await put();
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await put();
      } catch (error) {
        // Some of the items are being deleted: the next time they are not there any more.
        const { code } = error as { code?: string };
        if ((code !== FOREIGN_KEY_VIOLATION && code !== DEADLOCK_DETECTED) || attempt === PUT_ATTEMPTS)
          throw error;
      }
    }
  }

  /** Stores features of items that lack one; see vector-fill. @returns how many were stored. */
  async fillFeatures(extractor: string, features: readonly LateFeature[]): Promise<number> {
    if (features.length === 0) return 0;
    await this.tables.ensureFeatures(extractor);
    const units = features.map((late) => ({ ...late, vector: unit(late.vector) }));
    return await fillFeatures(this.db, await this.vectorOid(this.db), extractor, units);
  }

  /** Features of these items, of those that have one. */
  async featuresFor(itemIds: readonly string[], extractor: string): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run<{ id: string; vec: Buffer }>(
      `SELECT item_id AS id, vector_send(vec) AS vec FROM feature WHERE item_id = ANY($1::uuid[]) AND extractor = $2`,
      [encodeUuidArray(itemIds), extractor],
    );
    return new Map(rows.map((row) => [row.id, decodeVector(row.vec)]));
  }

  /** The feature of one item, null if it has none of this extractor. */
  async itemFeature(itemId: string, extractor: string): Promise<Float32Array | null> {
    return (await this.featuresFor([itemId], extractor)).get(itemId) ?? null;
  }

  /** The embedding of one item, null if that encoder has not embedded it. */
  async itemEmbedding(encoderId: string, itemId: string): Promise<Float32Array | null> {
    return (await this.embeddingsByIds(encoderId, [itemId])).get(itemId) ?? null;
  }

  /** Embeddings of these items, of those that have one. */
  async embeddingsByIds(encoderId: string, itemIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run<{ id: string; vec: Buffer }>(
      `SELECT item_id AS id, vector_send(vec) AS vec FROM embedding
       WHERE item_id = ANY($1::uuid[]) AND encoder_id = $2::uuid`,
      [encodeUuidArray(itemIds), encoderId],
    );
    return new Map(rows.map((row) => [row.id, decodeVector(row.vec)]));
  }

  /** Features of an extractor, by ascending item id, some at a time; where `lacking` is given, of items that it lacks. */
  async *featuresOf(
    extractor: string,
    {
      lacking,
      floats,
      on = this.db,
    }: {
      readonly lacking?: { readonly encoderId: string; readonly modality: Modality };
      /** Numbers at once, two megabytes of them where not given. */
      readonly floats?: number;
      readonly on?: Queryable;
    } = {},
  ): AsyncGenerator<VectorChunk> {
    const table = featureTable(extractor);
    if (!(await this.tables.find(table, on))) return;
    const embedded = lacking && embeddingTable(lacking.encoderId, lacking.modality);
    yield* chunksOf(
      on,
      table,
      embedded && `NOT EXISTS (SELECT 1 FROM ${embedded} e WHERE e.item_id = t.item_id)`,
      floats,
    );
  }

  /** Every embedding of an encoder and a modality, by ascending item id. */
  async *embeddingsOf(encoderId: string, modality: Modality): AsyncGenerator<VectorChunk> {
    const table = embeddingTable(encoderId, modality);
    if (await this.tables.find(table)) yield* chunksOf(this.db, table);
  }

  /**
   * Pairs of an image and a text that both have a feature, in the order of the images' and then the texts' ids. An
   * image with five captions comes five times. The filters hold for the image and for the text.
   */
  async trainingPairs(
    imageExtractor: string,
    textExtractor: string,
    filters: { readonly image?: ItemFilter | null; readonly text?: ItemFilter | null } = {},
  ): Promise<TrainingPair[]> {
    const parameters = new Parameters();
    const side = (modality: Modality, extractor: string, filter: ItemFilter | null) => `
      SELECT i.id, i.pair_id FROM item i
      WHERE i.modality = '${modality}' AND i.pair_id IS NOT NULL AND ${filterSql(filter, parameters)}
        AND EXISTS (SELECT 1 FROM feature f WHERE f.item_id = i.id AND f.extractor = ${parameters.add(extractor)})`;
    return this.db.runOnce<{ imageId: string; textId: string; pairId: string; classIds: string[] }>(
      `WITH image AS MATERIALIZED (${side('IMAGE', imageExtractor, filters.image ?? null)}),
         txt AS MATERIALIZED (${side('TEXT', textExtractor, filters.text ?? null)}),
         pairs AS MATERIALIZED (
           SELECT image.id AS image_id, txt.id AS text_id, image.pair_id FROM image JOIN txt ON txt.pair_id = image.pair_id),
         labels AS (
           SELECT image_id, text_id, class_id FROM pairs JOIN item_class ic ON ic.item_id = image_id
           UNION SELECT image_id, text_id, class_id FROM pairs JOIN item_class ic ON ic.item_id = text_id)
       SELECT p.image_id AS "imageId", p.text_id AS "textId", p.pair_id AS "pairId",
         COALESCE(array_agg(c.id::text ORDER BY c.name) FILTER (WHERE c.id IS NOT NULL), '{}') AS "classIds"
       FROM pairs p LEFT JOIN labels l ON l.image_id = p.image_id AND l.text_id = p.text_id
         LEFT JOIN class c ON c.id = l.class_id
       GROUP BY 1, 2, 3 ORDER BY 1, 2`,
      parameters.values,
    );
  }

  /** The mean embedding of each of these classes' items, of those classes that have any. */
  async classMeans(encoderId: string, classIds: readonly string[]): Promise<Map<string, ClassMean>> {
    const tables = await Promise.all(MODALITIES.map((m) => this.tables.find(embeddingTable(encoderId, m))));
    if (tables.includes(null)) return new Map();
    const rows = await this.db.run<{ id: string; mean: Buffer; count: number }>(
      `SELECT ic.class_id AS id, vector_send(avg(e.vec)) AS mean, count(*)::int AS count
       FROM item_class ic JOIN ${embeddingTable(encoderId)} e ON e.item_id = ic.item_id
       WHERE ic.class_id = ANY($1::uuid[]) GROUP BY ic.class_id`,
      [encodeUuidArray(classIds)],
    );
    return new Map(rows.map(({ id, mean, count }) => [id, { mean: decodeVector(mean), count }]));
  }

  /** Text features of classes, of those that have one. */
  async classFeatures(extractor: string, classIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run<{ id: string; vec: Buffer }>(
      `SELECT class_id AS id, vector_send(vec) AS vec FROM class_feature
       WHERE class_id = ANY($1::uuid[]) AND extractor = $2`,
      [encodeUuidArray(classIds), extractor],
    );
    return new Map(rows.map((row) => [row.id, decodeVector(row.vec)]));
  }

  /** Replaces the text features of classes. */
  async putClassFeatures(extractor: string, features: ReadonlyMap<string, Float32Array>): Promise<void> {
    for (const [ids, vectors] of encodedChunks(await this.vectorOid(this.db), features)) {
      await this.db.run(
        `INSERT INTO class_feature (class_id, extractor, vec)
         SELECT id, $1, vec FROM unnest($2::uuid[], $3::vector[]) AS u (id, vec)
         ON CONFLICT (class_id, extractor) DO UPDATE SET vec = EXCLUDED.vec`,
        [extractor, ids, vectors],
      );
    }
  }

  /** The type's number, which differs from database to database. */
  private async vectorOid(on: Queryable): Promise<number> {
    this.oid ??= (await on.run<{ oid: number }>(`SELECT 'vector'::regtype::oid::int AS oid`))[0]?.oid ?? null;
    if (this.oid === null) throw new Error('no vector type');
    return this.oid;
  }
}

/** Ids and vectors as `uuid[]` and `vector[]`, some megabytes at a time; in the ids' order, so that locks never cross. */
function* encodedChunks(
  vectorOid: number,
  vectors: ReadonlyMap<string, Float32Array>,
): Generator<readonly [ids: Buffer, vectors: Buffer]> {
  const entries = [...vectors].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = Math.max(1, Math.floor(CHUNK_FLOATS / (entries[0]?.[1].length ?? 1)));
  for (let start = 0; start < entries.length; start += rows) {
    const part = entries.slice(start, start + rows);
    const units = part.map(([, vector]) => unit(vector));
    yield [encodeUuidArray(part.map(([id]) => id)), encodeVectorArray(vectorOid, units)];
  }
}
