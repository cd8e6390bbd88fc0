import { rowOf } from '../../domain/matrix.js';
import type { Modality } from '../../domain/modality.js';
import { repeatConflicts } from '../postgres/conflicts.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { VectorChunk } from '../types.js';
import type { StoredExtractors } from './stored-extractors.js';
import { CHUNK_FLOATS, decodeVectors, encodeUuidArray, encodeVectorArray } from './vector-codec.js';
import { embeddingPartition, featurePartition, type VectorPartitions } from './vector-partitions.js';
import type { VectorReads } from './vector-reads.js';

const NIL = '00000000-0000-0000-0000-000000000000';
/** Vectors of classes that one statement reads: those of 2000 dimensions fill a chunk. */
const CLASSES_AT_ONCE = Math.floor(CHUNK_FLOATS / 2000);

/** Where vectors of one kind are stored. */
interface Target {
  /** A subquery that has a row if the owner with the id `u.id` has a vector; `$2` is `extractor` where that is given. */
  readonly has: string;
  readonly extractor?: string;
  readonly owner: 'item' | 'class';
  /** The start of the insertion; `$3` and so on are `values`. */
  readonly insert: string;
  readonly values: readonly string[];
}

/** Vectors of archives: read in the transaction of the archive, and stored with their exact numbers. */
export class ArchivedVectors {
  private oid: number | null = null;

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
    private readonly reads: VectorReads,
    private readonly stored: StoredExtractors,
  ) {}

  extractors(tx: Queryable): Promise<string[]> {
    return this.stored.ids(tx);
  }

  features(tx: Queryable, extractor: string): AsyncGenerator<VectorChunk> {
    return this.reads.featuresOf(extractor, { on: tx });
  }

  embeddings(tx: Queryable, encoderId: string, modality: Modality): AsyncGenerator<VectorChunk> {
    return this.reads.embeddingsOf(encoderId, modality, tx);
  }

  async *classFeatures(tx: Queryable, extractor: string): AsyncGenerator<VectorChunk> {
    for (let after = NIL; ; ) {
      const [row] = await tx.run<{ ids: string[] | null; vectors: Buffer | null }>(
        `SELECT array_agg(class_id::text) AS ids, string_agg(vector_send(vec), '') AS vectors
         FROM (SELECT class_id, vec FROM class_feature WHERE extractor = $1 AND class_id > $2::uuid
               ORDER BY class_id LIMIT ${CLASSES_AT_ONCE}) v`,
        [extractor, after],
      );
      const { ids = null, vectors = null } = row ?? {};
      if (ids === null || vectors === null) return;
      yield { ids, matrix: { ...decodeVectors(vectors), rows: ids.length } };
      after = ids.at(-1) ?? after;
    }
  }

  /** Stores the features that items lack; items that do not exist are left out. @returns how many were stored */
  async addFeatures(extractor: string, chunk: VectorChunk): Promise<number> {
    await this.partitions.ensureFeatures(extractor);
    const table = featurePartition(extractor);
    return await this.add(chunk, {
      has: `SELECT 1 FROM ${table} f WHERE f.item_id = u.id`,
      owner: 'item',
      insert: `INSERT INTO ${table} (item_id, extractor, vec) SELECT u.id, $3, u.vec`,
      values: [extractor],
    });
  }

  /** The same for text features of classes. */
  async addClassFeatures(extractor: string, chunk: VectorChunk): Promise<number> {
    return await this.add(chunk, {
      has: 'SELECT 1 FROM class_feature f WHERE f.class_id = u.id AND f.extractor = $2',
      extractor,
      owner: 'class',
      insert: 'INSERT INTO class_feature (class_id, extractor, vec) SELECT u.id, $3, u.vec',
      values: [extractor],
    });
  }

  /** The same for embeddings, whose encoder must exist. */
  async addEmbeddings(encoderId: string, modality: Modality, chunk: VectorChunk): Promise<number> {
    const table = embeddingPartition(encoderId, modality);
    return await this.add(chunk, {
      has: `SELECT 1 FROM ${table} e WHERE e.item_id = u.id`,
      owner: 'item',
      insert: `INSERT INTO ${table} (encoder_id, item_id, modality, vec) SELECT $3::uuid, u.id, $4::modality, u.vec`,
      values: [encoderId, modality],
    });
  }

  private async add(
    { ids, matrix }: VectorChunk,
    { has, extractor, owner, insert, values }: Target,
  ): Promise<number> {
    // No statement is prepared: its plan would be that for an empty table.
    // Only the ids are sent where an interrupted import has stored the vectors.
    const found = await this.db.runOnce<{ id: string }>(
      `SELECT id FROM unnest($1::uuid[]) AS u (id)
       WHERE NOT EXISTS (${has}) AND EXISTS (SELECT 1 FROM ${owner} o WHERE o.id = u.id)`,
      [encodeUuidArray(ids), ...(extractor === undefined ? [] : [extractor])],
    );
    if (found.length === 0) return 0;
    const lacking = new Set(found.map(({ id }) => id));
    const rows = ids.flatMap((id, row) => (lacking.has(id) ? [row] : []));
    const oid = await this.vectorOid();
    const stored = await repeatConflicts(() =>
      this.db.runOnce(
        // The lock waits for a deletion of an owner, which is then left out.
        `${insert} FROM unnest($1::uuid[], $2::vector[]) AS u (id, vec) JOIN ${owner} o ON o.id = u.id
         FOR KEY SHARE OF o ON CONFLICT DO NOTHING RETURNING 1`,
        [
          encodeUuidArray(rows.map((row) => ids[row] as string)),
          encodeVectorArray(
            oid,
            rows.map((row) => rowOf(matrix, row)),
          ),
          ...values,
        ],
      ),
    );
    return stored.length;
  }

  private async vectorOid(): Promise<number> {
    this.oid ??=
      (await this.db.run<{ oid: number }>(`SELECT 'vector'::regtype::oid::int AS oid`))[0]?.oid ?? null;
    if (this.oid === null) throw new Error('no vector type');
    return this.oid;
  }
}
