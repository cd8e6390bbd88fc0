import { z } from 'zod';
import type { ItemFilter } from '../../domain/filter.js';
import type { Matrix } from '../../domain/matrix.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database } from '../postgres/database.js';
import { filterSql, Parameters } from './filter-sql.js';
import { decodeVector, decodeVectors, encodeVector } from './vector-codec.js';
import { embeddingPartition, type VectorPartitions } from './vector-partitions.js';

/** What the encoder no longer exists for. */
const FOREIGN_KEY_VIOLATION = '23503';

/** From which modality to which. */
export interface QueryDirection {
  readonly query: Modality;
  readonly target: Modality;
}

/** A query, or an item of the training set in place of one. */
export interface QuerySample extends QueryDirection {
  readonly encoderId: string;
  readonly reference: boolean;
  /** A later sample in the same slot replaces it. */
  readonly slot: number;
  /** CONTENT of its best hit. */
  readonly similarity: number;
  readonly vector: Float32Array;
}

/** All samples of one direction, of queries or of the training set. */
export interface SampleGroup extends QueryDirection {
  readonly reference: boolean;
  readonly similarities: readonly number[];
  /** [similarities.length, dimension] */
  readonly embeddings: Matrix;
  /** Of the oldest. */
  readonly since: Date;
}

/** An item with its embedding. */
export interface EmbeddedItem {
  readonly id: string;
  readonly pairId: string | null;
  readonly vector: Float32Array;
}

const groups = z.array(
  z.object({
    reference: z.boolean(),
    query: z.enum(MODALITIES),
    target: z.enum(MODALITIES),
    similarities: z.array(z.number()),
    vectors: z.instanceof(Buffer).transform(decodeVectors),
    since: z.date(),
  }),
);
const embedded = z.array(
  z.object({
    id: z.string(),
    pairId: z.string().nullable(),
    vector: z.instanceof(Buffer).transform(decodeVector),
  }),
);

/** Bounded samples of the queries of each encoder, and of its training set. They have no texts. */
export class QuerySamples {
  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /** Does nothing if the encoder was removed. */
  async put({ encoderId, reference, query, target, slot, similarity, vector }: QuerySample): Promise<void> {
    try {
      await this.db.run(
        `INSERT INTO vectors.query_sample (encoder_id, reference, query, target, slot, similarity, vec)
         VALUES ($1, $2, $3::modality, $4::modality, $5, $6, $7::vector)
         ON CONFLICT (encoder_id, reference, query, target, slot)
         DO UPDATE SET similarity = EXCLUDED.similarity, vec = EXCLUDED.vec, at = EXCLUDED.at`,
        [encoderId, reference, query, target, slot, similarity, encodeVector(vector)],
      );
    } catch (error) {
      if ((error as { code?: string }).code !== FOREIGN_KEY_VIOLATION) throw error;
    }
  }

  /** The samples of an encoder by direction. @param since older samples of queries are left out */
  async read(encoderId: string, since: Date): Promise<SampleGroup[]> {
    const rows = await this.db.run(
      `SELECT reference, query, target, array_agg(similarity::float8 ORDER BY slot) AS similarities,
         string_agg(vector_send(vec), '' ORDER BY slot) AS vectors, min(at) AS since
       FROM vectors.query_sample WHERE encoder_id = $1 AND (reference OR at >= $2)
       GROUP BY reference, query, target ORDER BY query, target, reference`,
      [encoderId, since.toISOString()],
    );
    return groups.parse(rows).map(({ vectors, ...group }) => ({
      ...group,
      embeddings: { ...vectors, rows: group.similarities.length },
    }));
  }

  /** Items of a modality that an encoder has embedded, the same ones each time: at most `limit`, as if drawn at random. */
  async items(
    encoderId: string,
    modality: Modality,
    filter: ItemFilter | null,
    limit: number,
  ): Promise<EmbeddedItem[]> {
    const partition = embeddingPartition(encoderId, modality);
    if (!(await this.partitions.find(partition))) return [];
    const parameters = new Parameters();
    const rows = await this.db.runOnce(
      `SELECT i.id, i.pair_id AS "pairId", vector_send(e.vec) AS vector FROM ${partition} e JOIN item i ON i.id = e.item_id AND i.home = e.home
       WHERE ${filterSql(filter, parameters)}
       ORDER BY hashtextextended(i.id::text, 0) LIMIT ${parameters.add(limit)}`,
      parameters.values,
    );
    return embedded.parse(rows);
  }

  /** The pairs of these items, by item id; without those that have none. */
  async pairsOf(ids: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const rows = await this.db.run<{ id: string; pair: string }>(
      'SELECT id, pair_id AS pair FROM item WHERE id = ANY($1::uuid[]) AND pair_id IS NOT NULL',
      [[...ids]],
    );
    return new Map(rows.map(({ id, pair }) => [id, pair]));
  }

  /** How many items there are, and how many of them were stored at or after a time. */
  async newItems(after: Date): Promise<{ readonly all: number; readonly newer: number }> {
    const [row] = await this.db.run<{ all: number; newer: number }>(
      `SELECT count(*)::int AS "all", (count(*) FILTER (WHERE created_at >= $1))::int AS newer FROM item`,
      [after.toISOString()],
    );
    return row ?? { all: 0, newer: 0 };
  }
}
