import { z } from 'zod';
import type { ItemFilter } from '../../domain/filter.js';
import type { Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { ClassMean, TrainingPair, VectorChunk } from '../types.js';
import { filterSql, Parameters } from './filter-sql.js';
import { CHUNK_FLOATS, decodeVector, decodeVectors, encodeUuidArray } from './vector-codec.js';
import {
  embeddingPartition,
  featurePartition,
  isOfEncoder,
  type VectorPartitions,
} from './vector-partitions.js';

/** Less than the id of any item. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** Images whose pairs are read by one statement: a statement over a million pairs would block the embedded server. */
const IMAGES_AT_ONCE = 2000;

/** As pgvector's parser gives it. */
const parsedVector = z.array(z.number()).transform((numbers) => Float32Array.from(numbers));
const vectorRows = z.array(z.object({ id: z.string(), vec: parsedVector }));
const meanRows = z.array(
  z.object({ id: z.string(), mean: z.instanceof(Buffer).transform(decodeVector), count: z.number() }),
);
const sentRows = z.array(z.object({ id: z.string(), vec: z.instanceof(Buffer).transform(decodeVector) }));
const chunkRow = z.object({
  ids: z.array(z.string()).nullable(),
  vectors: z.instanceof(Buffer).transform(decodeVectors).nullable(),
});
const idRows = z.array(z.object({ id: z.string() }));
const pairRows = z.array(
  z.object({
    imageId: z.string(),
    textId: z.string(),
    pairId: z.string(),
    imageHash: z.string(),
    textHash: z.string(),
    classIds: z.array(z.string()),
  }),
);

interface PairFilters {
  readonly image?: ItemFilter | null;
  readonly text?: ItemFilter | null;
}

/** Reads stored vectors, all of unit length or zero. */
export class VectorReads {
  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /** Features of these items, of those that have one. */
  async featuresFor(itemIds: readonly string[], extractor: string): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run(
      `SELECT item_id AS id, vector_send(vec) AS vec FROM feature WHERE item_id = ANY($1::uuid[]) AND extractor = $2`,
      [encodeUuidArray(itemIds), extractor],
    );
    return byId(sentRows.parse(rows));
  }

  /** `featuresFor` in one matrix, in any order; null if no item has one. */
  async featureMatrix(itemIds: readonly string[], extractor: string): Promise<VectorChunk | null> {
    const [row] = await this.db.run(
      `SELECT array_agg(item_id::text) AS ids, string_agg(vector_send(vec), '') AS vectors
       FROM feature WHERE item_id = ANY($1::uuid[]) AND extractor = $2`,
      [encodeUuidArray(itemIds), extractor],
    );
    const { ids, vectors } = chunkRow.parse(row);
    return ids === null || vectors === null ? null : { ids, matrix: { ...vectors, rows: ids.length } };
  }

  /** The feature of one item, null if it has none of this extractor. */
  async itemFeature(itemId: string, extractor: string): Promise<Float32Array | null> {
    return (await this.featuresFor([itemId], extractor)).get(itemId) ?? null;
  }

  /** Embeddings of these items, of those that have one. */
  async embeddingsByIds(encoderId: string, itemIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run(
      `SELECT item_id AS id, vec FROM embedding WHERE item_id = ANY($1::uuid[]) AND encoder_id = $2::uuid`,
      [encodeUuidArray(itemIds), encoderId],
    );
    return byId(vectorRows.parse(rows));
  }

  /** The embedding of one item, null if that encoder has not embedded it. */
  async itemEmbedding(encoderId: string, itemId: string): Promise<Float32Array | null> {
    return (await this.embeddingsByIds(encoderId, [itemId])).get(itemId) ?? null;
  }

  /** Text features of classes, of those that have one. */
  async classFeatures(extractor: string, classIds: readonly string[]): Promise<Map<string, Float32Array>> {
    const rows = await this.db.run(
      `SELECT class_id AS id, vector_send(vec) AS vec FROM class_feature
       WHERE class_id = ANY($1::uuid[]) AND extractor = $2`,
      [encodeUuidArray(classIds), extractor],
    );
    return byId(sentRows.parse(rows));
  }

  /** The mean embedding of the items of each class that has any, by class id. */
  async classMeans(encoderId: string): Promise<Map<string, ClassMean>> {
    const rows = await this.db.run(
      `SELECT ic.class_id AS id, vector_send(avg(e.vec)) AS mean, count(*)::int AS count
       FROM item_class ic JOIN embedding e ON e.item_id = ic.item_id AND e.home = ic.home
       WHERE ${isOfEncoder('e.encoder_id', encoderId)} GROUP BY ic.class_id`,
    );
    return new Map(meanRows.parse(rows).map(({ id, mean, count }) => [id, { mean, count }]));
  }

  /**
   * Features of an extractor by ascending item id, in chunks; with `lacking`, only of items without an embedding of that
   * encoder.
   */
  async *featuresOf(
    extractor: string,
    options: {
      readonly lacking?: { readonly encoderId: string; readonly modality: Modality };
      /** Numbers in a chunk, CHUNK_FLOATS if not given. */
      readonly floats?: number;
      /** A transaction to read in. */
      readonly on?: Queryable;
    } = {},
  ): AsyncGenerator<VectorChunk> {
    const { lacking, floats = CHUNK_FLOATS, on = this.db } = options;
    const table = featurePartition(extractor);
    if (!(await this.partitions.find(table, on))) return;
    yield* chunks(
      on,
      table,
      lacking ? embeddingPartition(lacking.encoderId, lacking.modality) : null,
      floats,
    );
  }

  /** Every embedding of an encoder and a modality by ascending item id, in chunks. `on`: the transaction to read in. */
  async *embeddingsOf(
    encoderId: string,
    modality: Modality,
    on: Queryable = this.db,
  ): AsyncGenerator<VectorChunk> {
    const table = embeddingPartition(encoderId, modality);
    if (await this.partitions.find(table, on)) yield* chunks(on, table, null, CHUNK_FLOATS);
  }

  /**
   * Pairs of an image and a text that both have a feature, in the order of the images' and then the texts' ids, in chunks by
   * a statement each. An image with five captions gives five pairs. One filter is for the image, the other for the text.
   */
  async *trainingPairChunks(
    imageExtractor: string,
    textExtractor: string,
    filters: PairFilters = {},
  ): AsyncGenerator<TrainingPair[]> {
    let after = NIL;
    for (;;) {
      const images = await this.pairedImages(imageExtractor, filters.image ?? null, after);
      const last = images.at(-1);
      if (last === undefined) return;
      yield await this.pairsOfImages(images, textExtractor, filters.text ?? null);
      after = last;
    }
  }

  /** The pairs of `trainingPairChunks`, all in memory. */
  async trainingPairs(
    imageExtractor: string,
    textExtractor: string,
    filters: PairFilters = {},
  ): Promise<TrainingPair[]> {
    const found: TrainingPair[] = [];
    for await (const chunk of this.trainingPairChunks(imageExtractor, textExtractor, filters))
      for (const pair of chunk) found.push(pair);
    return found;
  }

  /** Ids of images that have a pair id and a feature, ascending, after one: at most IMAGES_AT_ONCE. */
  private async pairedImages(extractor: string, filter: ItemFilter | null, after: string): Promise<string[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce(
      `SELECT i.id FROM item i JOIN feature f ON f.item_id = i.id AND f.home = i.home AND f.extractor = ${parameters.add(extractor)}
       WHERE i.modality = 'IMAGE' AND i.pair_id IS NOT NULL AND i.id > ${parameters.add(after)}::uuid
         AND ${filterSql(filter, parameters)}
       ORDER BY i.id LIMIT ${IMAGES_AT_ONCE}`,
      parameters.values,
    );
    return idRows.parse(rows).map(({ id }) => id);
  }

  private async pairsOfImages(
    images: readonly string[],
    textExtractor: string,
    filter: ItemFilter | null,
  ): Promise<TrainingPair[]> {
    const parameters = new Parameters();
    const rows = await this.db.runOnce(
      `WITH pairs AS MATERIALIZED (
           SELECT image.id AS image_id, i.id AS text_id, image.pair_id, image.home,
             image.content_hash AS image_hash, i.content_hash AS text_hash
           FROM item image JOIN item i ON i.pair_id = image.pair_id AND i.home = image.home
             JOIN feature f ON f.item_id = i.id AND f.home = i.home AND f.extractor = ${parameters.add(textExtractor)}
           WHERE image.id = ANY(${parameters.add(encodeUuidArray(images))}::uuid[])
             AND i.modality = 'TEXT' AND ${filterSql(filter, parameters)}),
         labels AS (
           SELECT image_id, text_id, class_id FROM pairs JOIN item_class ic ON ic.item_id = image_id AND ic.home = pairs.home
           UNION SELECT image_id, text_id, class_id FROM pairs JOIN item_class ic ON ic.item_id = text_id AND ic.home = pairs.home)
       SELECT p.image_id AS "imageId", p.text_id AS "textId", p.pair_id AS "pairId",
         p.image_hash AS "imageHash", p.text_hash AS "textHash",
         COALESCE(array_agg(c.id::text ORDER BY c.name) FILTER (WHERE c.id IS NOT NULL), '{}') AS "classIds"
       FROM pairs p LEFT JOIN labels l ON l.image_id = p.image_id AND l.text_id = p.text_id
         LEFT JOIN class c ON c.id = l.class_id
       GROUP BY 1, 2, 3, 4, 5 ORDER BY 1, 2`,
      parameters.values,
    );
    return pairRows.parse(rows);
  }
}

function byId(
  rows: readonly { readonly id: string; readonly vec: Float32Array }[],
): Map<string, Float32Array> {
  return new Map(rows.map(({ id, vec }) => [id, vec]));
}

/**
 * The vectors of a partition by ascending item id, each chunk by a statement of its own, so that other statements run in
 * between. With `lackingIn`, only those of items that have no row in that partition.
 */
async function* chunks(
  on: Queryable,
  table: string,
  lackingIn: string | null,
  floats: number,
): AsyncGenerator<VectorChunk> {
  const lacking =
    lackingIn === null
      ? ''
      : `AND NOT EXISTS (SELECT 1 FROM ${lackingIn} e WHERE e.item_id = t.item_id AND e.home = t.home)`;
  let after = NIL;
  // The first chunk tells the number of columns.
  let rows = Math.min(256, Math.ceil(floats / 2048));
  for (;;) {
    const [row] = await on.run(
      `SELECT array_agg(item_id::text) AS ids, string_agg(vector_send(vec), '') AS vectors
       FROM (SELECT item_id, vec FROM ${table} t WHERE item_id > $1::uuid ${lacking} ORDER BY item_id LIMIT $2) v`,
      [after, rows],
    );
    const { ids, vectors } = chunkRow.parse(row);
    if (ids === null || vectors === null) return;
    yield { ids, matrix: { ...vectors, rows: ids.length } };
    after = ids.at(-1) ?? after;
    rows = Math.max(1, Math.floor(floats / vectors.columns));
  }
}
