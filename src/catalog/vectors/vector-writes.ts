import { throwIfCancelled } from '../../domain/errors.js';
import { type Matrix, rowOf } from '../../domain/matrix.js';
import type { Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import type { ChangeStamp } from '../postgres/change-stamp.js';
import { repeatConflicts } from '../postgres/conflicts.js';
import type { Database, Queryable } from '../postgres/database.js';
import { homesOf, keyOf, locking } from '../postgres/homes.js';
import type { ClassRow } from '../types.js';
import { CHUNK_FLOATS, encodeHomes, encodeUuidArray, encodeVectorArray } from './vector-codec.js';
import { embeddingPartition, featurePartition, type VectorPartitions } from './vector-partitions.js';

/** The error of a write whose items are deleted at the same time. */
const FOREIGN_KEY_VIOLATION = '23503';
const PUT_ATTEMPTS = 10;
/** Embeddings that one statement copies: a search waits for one statement at most. */
const COPIED_AT_ONCE = 500;
/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** A feature that was extracted from an item outside of any transaction. */
export interface LateFeature {
  readonly itemId: string;
  /** Of the content that it was extracted from. */
  readonly contentHash: string;
  readonly vector: Float32Array;
}

/** The text feature of a class as it was read. */
export interface ClassTextFeature {
  readonly row: ClassRow;
  readonly vector: Float32Array;
}

/** Stores vectors. Each is scaled to unit length first (a zero vector stays zero). */
export class VectorWrites {
  private oid: number | null = null;

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
    private readonly changes: ChangeStamp,
  ) {}

  /** Replaces the features of one extractor of these items. The partition must exist (VectorPartitions.ensureFeatures). */
  async putFeatures(
    on: Queryable,
    extractor: string,
    features: ReadonlyMap<string, Float32Array>,
  ): Promise<void> {
    const homes = await homesOf(on, [...features.keys()]);
    for (const { ids, vectors } of chunksOf(await this.vectorOid(on), features)) {
      await on.run(
        `INSERT INTO ${featurePartition(extractor)} (item_id, home, extractor, vec)
         SELECT id, home, $1, vec FROM unnest($2::uuid[], $3::uuid[], $4::vector[]) AS u (id, home, vec)
         ON CONFLICT (${keyOf(on, 'item_id, extractor')}) DO UPDATE SET vec = EXCLUDED.vec`,
        [extractor, encodeUuidArray(ids), homesIn(homes, ids), vectors],
      );
    }
  }

  /**
   * Stores features of items that have none of this extractor. Skipped are items that were deleted or got other content
   * since the extraction, and items that another writer gave a feature.
   *
   * @returns how many were stored.
   */
  async fillFeatures(extractor: string, features: readonly LateFeature[]): Promise<number> {
    if (features.length === 0) return 0;
    await this.partitions.ensureFeatures(extractor);
    const ordered = [...features].sort((a, b) => (a.itemId < b.itemId ? -1 : 1));
    const oid = await this.vectorOid(this.db);
    const stored = await repeatConflicts(() =>
      this.db.transaction(
        async (tx) => {
          // FOR SHARE waits for a transaction that replaces the content, so the hash compared is its committed one.
          const current = await tx.run<{ id: string; home: string | null }>(
            `SELECT i.id, i.home FROM item i JOIN unnest($1::uuid[], $2::text[]) AS l (id, content_hash) ON l.id = i.id
           WHERE i.content_hash = l.content_hash ORDER BY i.id ${locking(tx, 'FOR SHARE OF i')}`,
            [
              encodeUuidArray(ordered.map(({ itemId }) => itemId)),
              ordered.map(({ contentHash }) => contentHash),
            ],
          );
          const homes = new Map(current.map(({ id, home }) => [id, home]));
          const late = ordered.filter(({ itemId }) => homes.has(itemId.toLowerCase()));
          if (late.length === 0) return [];
          const ids = late.map(({ itemId }) => itemId);
          return await tx.run(
            `INSERT INTO ${featurePartition(extractor)} (item_id, home, extractor, vec)
           SELECT id, home, $1, vec FROM unnest($2::uuid[], $3::uuid[], $4::vector[]) AS u (id, home, vec)
           ON CONFLICT (${keyOf(tx, 'item_id, extractor')}) DO NOTHING RETURNING item_id`,
            [
              extractor,
              encodeUuidArray(ids),
              homesIn(homes, ids),
              encodeVectorArray(
                oid,
                late.map(({ vector }) => unit(vector)),
              ),
            ],
          );
        },
        { items: true },
      ),
    );
    return stored.length;
  }

  /** Replaces one encoder's embeddings of these items, all of one modality; items that no longer exist are skipped. */
  async putEmbeddings(
    on: Queryable,
    encoderId: string,
    modality: Modality,
    embeddings: ReadonlyMap<string, Float32Array>,
  ): Promise<void> {
    await this.insertEmbeddings(on, encoderId, modality, embeddings, { replace: true });
  }

  /**
   * Stores embeddings that items of one modality lack: row i of the matrix is the embedding of `ids[i]`. One that exists
   * stays, because a concurrent write may have stored it for newer content.
   *
   * @param on a transaction. Without one, a write that conflicts with the deletion of its items is retried.
   */
  async addEmbeddings(
    encoderId: string,
    modality: Modality,
    ids: readonly string[],
    matrix: Matrix,
    on?: Queryable,
  ): Promise<void> {
    if (matrix.rows !== ids.length) throw new Error(`${ids.length} ids for ${matrix.rows} rows`);
    const embeddings = new Map(ids.map((id, i) => [id, rowOf(matrix, i)]));
    const insert = (queryable: Queryable) =>
      this.insertEmbeddings(queryable, encoderId, modality, embeddings, { replace: false });
    if (on !== undefined) return await insert(on);
    await this.despiteDeletions(() => insert(this.db));
    await this.changes.add();
  }

  /**
   * Gives an encoder the embeddings that another one has of a modality, where both map it alike. Embeddings that exist stay, and
   * nothing is copied from an encoder that was removed.
   *
   * @returns how many embeddings the other one has
   */
  async copyEmbeddings(from: string, to: string, modality: Modality, signal?: AbortSignal): Promise<number> {
    const [source, target] = [embeddingPartition(from, modality), embeddingPartition(to, modality)];
    if ((await this.partitions.find(source)) === null) return 0;
    let copied = 0;
    for (let after = NIL; ; ) {
      throwIfCancelled(signal);
      const rows = await this.db.run<{ id: string }>(
        `SELECT item_id AS id FROM ${source} WHERE item_id > $1::uuid ORDER BY item_id LIMIT $2`,
        [after, COPIED_AT_ONCE],
      );
      const last = rows.at(-1);
      if (last === undefined) break;
      await this.despiteDeletions(() =>
        this.db.run(
          `INSERT INTO ${target} (encoder_id, item_id, modality, vec, home)
           SELECT $1::uuid, item_id, $2::modality, vec, home FROM ${source} WHERE item_id > $3::uuid AND item_id <= $4::uuid
           ON CONFLICT (${keyOf(this.db, 'item_id, encoder_id, modality')}) DO NOTHING`,
          [to, modality, after, last.id],
        ),
      );
      copied += rows.length;
      after = last.id;
    }
    await this.changes.add();
    return copied;
  }

  /** Repeats a write that conflicts with the deletion of its items: the next attempt skips those whose deletion is committed. */
  private async despiteDeletions<T>(write: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await repeatConflicts(write);
      } catch (error) {
        const { code } = error as { code?: string };
        if (code !== FOREIGN_KEY_VIOLATION || attempt === PUT_ATTEMPTS) throw error;
      }
    }
  }

  /**
   * Replaces the text features of classes. Skipped are classes that were deleted, renamed or described otherwise since they were
   * read: FOR SHARE waits for a transaction that does so.
   */
  async putClassFeatures(extractor: string, features: readonly ClassTextFeature[]): Promise<void> {
    const byId = new Map(features.map((feature) => [feature.row.id, feature]));
    await this.db.transaction(
      async (tx) => {
        const current = await tx.run<ClassRow>(
          'SELECT id, name, description FROM class WHERE id = ANY($1::uuid[]) ORDER BY name FOR SHARE',
          [encodeUuidArray([...byId.keys()])],
        );
        const vectors = new Map<string, Float32Array>();
        for (const { id, name, description } of current) {
          const feature = byId.get(id);
          if (feature?.row.name === name && feature.row.description === description)
            vectors.set(id, feature.vector);
        }
        for (const { ids, vectors: chunk } of chunksOf(await this.vectorOid(tx), vectors)) {
          await tx.run(
            `INSERT INTO class_feature (class_id, extractor, vec)
           SELECT id, $1, vec FROM unnest($2::uuid[], $3::vector[]) AS u (id, vec)
           ON CONFLICT (class_id, extractor) DO UPDATE SET vec = EXCLUDED.vec`,
            [extractor, encodeUuidArray(ids), chunk],
          );
        }
      },
      { items: true },
    );
  }

  private async insertEmbeddings(
    on: Queryable,
    encoderId: string,
    modality: Modality,
    embeddings: ReadonlyMap<string, Float32Array>,
    { replace }: { readonly replace: boolean },
  ): Promise<void> {
    const action = replace ? 'UPDATE SET vec = EXCLUDED.vec' : 'NOTHING';
    const homes = await homesOf(on, [...embeddings.keys()]);
    const housed = new Map([...embeddings].filter(([id]) => homes.has(id.toLowerCase())));
    // Where homes were read, they tell which items exist.
    const existing = on.distributed ? '' : 'WHERE EXISTS (SELECT 1 FROM item i WHERE i.id = u.id)';
    for (const { ids, vectors } of chunksOf(await this.vectorOid(on), housed)) {
      await on.run(
        `INSERT INTO ${embeddingPartition(encoderId, modality)} (encoder_id, item_id, home, modality, vec)
         SELECT $1::uuid, id, home, $2::modality, vec FROM unnest($3::uuid[], $4::uuid[], $5::vector[]) AS u (id, home, vec)
         ${existing} ON CONFLICT (${keyOf(on, 'item_id, encoder_id, modality')}) DO ${action}`,
        [encoderId, modality, encodeUuidArray(ids), homesIn(homes, ids), vectors],
      );
    }
  }

  /** The oid of the type `vector`, which differs between databases. */
  private async vectorOid(on: Queryable): Promise<number> {
    this.oid ??= (await on.run<{ oid: number }>(`SELECT 'vector'::regtype::oid::int AS oid`))[0]?.oid ?? null;
    if (this.oid === null) throw new Error('no vector type');
    return this.oid;
  }
}

/**
 * Ids, and unit vectors as `vector[]`, CHUNK_FLOATS at a time. Ascending ids, so that concurrent writers lock rows in the same order.
 */
function* chunksOf(
  vectorOid: number,
  vectors: ReadonlyMap<string, Float32Array>,
): Generator<{ readonly ids: string[]; readonly vectors: Buffer }> {
  const entries = [...vectors].sort(([a], [b]) => (a < b ? -1 : 1));
  const rows = Math.max(1, Math.floor(CHUNK_FLOATS / (entries[0]?.[1].length ?? 1)));
  for (let start = 0; start < entries.length; start += rows) {
    const part = entries.slice(start, start + rows);
    const units = part.map(([, vector]) => unit(vector));
    yield { ids: part.map(([id]) => id), vectors: encodeVectorArray(vectorOid, units) };
  }
}

function homesIn(homes: ReadonlyMap<string, string | null>, ids: readonly string[]): Buffer {
  return encodeHomes(ids.map((id) => homes.get(id.toLowerCase()) ?? null));
}
