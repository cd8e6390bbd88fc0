import { rowOf } from '../../domain/matrix.js';
import type { Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';
import { locking } from '../postgres/homes.js';
import type { VectorChunk } from '../types.js';
import type { StoredExtractors } from './stored-extractors.js';
import {
  CHUNK_FLOATS,
  decodeVectors,
  encodeHomes,
  encodeUuidArray,
  encodeVectorArray,
} from './vector-codec.js';
import { embeddingPartition, featurePartition, type VectorPartitions } from './vector-partitions.js';
import type { VectorReads } from './vector-reads.js';

const NIL = '00000000-0000-0000-0000-000000000000';
/** Vectors of classes that one statement reads: those of 2000 dimensions fill a chunk. */
const CLASSES_AT_ONCE = Math.floor(CHUNK_FLOATS / 2000);

/** Where vectors of one kind are stored. */
interface Target {
  /** Selects the `id` of those owners in `$1` that have a vector; `$2` is `extractor` where that is given. */
  readonly having: string;
  readonly extractor?: string;
  readonly owner: 'item' | 'class';
  /** The start of the insertion of rows `u`; `$4` and so on are `values`. */
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
      having: `SELECT item_id AS id FROM ${table} WHERE item_id = ANY($1::uuid[])`,
      owner: 'item',
      insert: `INSERT INTO ${table} (item_id, home, extractor, vec) SELECT u.id, u.home, $4, u.vec`,
      values: [extractor],
    });
  }

  /** The same for text features of classes. */
  async addClassFeatures(extractor: string, chunk: VectorChunk): Promise<number> {
    return await this.add(chunk, {
      having: 'SELECT class_id AS id FROM class_feature WHERE class_id = ANY($1::uuid[]) AND extractor = $2',
      extractor,
      owner: 'class',
      insert: 'INSERT INTO class_feature (class_id, extractor, vec) SELECT u.id, $4, u.vec',
      values: [extractor],
    });
  }

  /** The same for embeddings, whose encoder must exist. */
  async addEmbeddings(encoderId: string, modality: Modality, chunk: VectorChunk): Promise<number> {
    const table = embeddingPartition(encoderId, modality);
    return await this.add(chunk, {
      having: `SELECT item_id AS id FROM ${table} WHERE item_id = ANY($1::uuid[])`,
      owner: 'item',
      insert: `INSERT INTO ${table} (encoder_id, item_id, home, modality, vec) SELECT $4::uuid, u.id, u.home, $5::modality, u.vec`,
      values: [encoderId, modality],
    });
  }

  private async add(
    { ids, matrix }: VectorChunk,
    { having, extractor, owner, insert, values }: Target,
  ): Promise<number> {
    // No statement is prepared: its plan would be that for an empty table.
    // Only the ids are sent where an interrupted import has stored the vectors.
    const stored = await this.db.runOnce<{ id: string }>(having, [
      encodeUuidArray(ids),
      ...(extractor === undefined ? [] : [extractor]),
    ]);
    const lacking = new Set(ids);
    for (const { id } of stored) lacking.delete(id);
    if (lacking.size === 0) return 0;
    const oid = await this.vectorOid();
    const inTransaction = async (tx: Queryable) => {
      // The lock waits for a deletion of an owner, which is then left out.
      const owners = await tx.runOnce<{ id: string; home: string | null }>(
        `SELECT id, ${owner === 'item' ? 'home' : 'NULL::uuid AS home'} FROM ${owner} WHERE id = ANY($1::uuid[])
         ORDER BY id ${locking(tx, 'FOR KEY SHARE')}`,
        [encodeUuidArray([...lacking])],
      );
      if (owners.length === 0) return 0;
      const kept = new Map(owners.map(({ id, home }) => [id, home]));
      const rows = ids.flatMap((id, row) => (kept.has(id) ? [row] : []));
      const added = await tx.runOnce(
        `${insert} FROM unnest($1::uuid[], $2::uuid[], $3::vector[]) AS u (id, home, vec) ON CONFLICT DO NOTHING RETURNING 1`,
        [
          encodeUuidArray(rows.map((row) => ids[row] as string)),
          encodeHomes(rows.map((row) => kept.get(ids[row] as string) ?? null)),
          encodeVectorArray(
            oid,
            rows.map((row) => rowOf(matrix, row)),
          ),
          ...values,
        ],
      );
      return added.length;
    };
    return await this.db.transaction(inTransaction, { repeat: true, items: true });
  }

  private async vectorOid(): Promise<number> {
    this.oid ??=
      (await this.db.run<{ oid: number }>(`SELECT 'vector'::regtype::oid::int AS oid`))[0]?.oid ?? null;
    if (this.oid === null) throw new Error('no vector type');
    return this.oid;
  }
}
