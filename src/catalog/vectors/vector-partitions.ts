import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { z } from 'zod';
import { isUuid } from '../../domain/ids.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';

/**
 * A row keeps its vector in the table's page up to 8160 bytes (some 2020 dimensions, 4 fewer on Citus) instead of 2000 bytes: a scan
 * that fetches each vector from the TOAST table takes three times as long (docs/decisions/0002-catalogue.md).
 */
const STORAGE = 'WITH (toast_tuple_target = 8160)';

/** Key of the advisory lock that serialises the creation and removal of partitions among servers. */
const PARTITIONS_LOCK = 0x636f6d6d;

const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_PAUSE_MS = 250;
const LOCK_ATTEMPTS = 30;

/**
 * A drop needs the tables for itself, and while it waits for them all later statements wait behind it. So it waits for a
 * moment only, and is tried a few times; then it is left for later.
 */
const DROP_TIMEOUT_MS = 100;
const DROP_PAUSE_MS = 300;
const DROP_ATTEMPTS = 4;

/** A change that another server made is seen after this time. */
const CACHE_MS = 30_000;

/** The expression that an index is on, e.g. `vector(64)`: only a query that orders by the same expression uses the index. */
export type IndexedType = `vector(${number})` | `halfvec(${number})`;

export interface VectorPartition {
  /** Qualified by the schema `vectors`. */
  readonly name: string;
  /** Null: every search of it is exact. */
  readonly index: IndexedType | null;
  /** Estimated when the index was built or the table was analysed; 0 before. */
  readonly rows: number;
}

const foundPartition = z.object({ definition: z.string().nullable(), rows: z.number() });

/** Partition of an extractor's features. */
export function featurePartition(extractor: string): string {
  return `vectors.feature_${createHash('sha256').update(extractor).digest('hex').slice(0, 24)}`;
}

/** Partition of an encoder's embeddings of one modality. */
export function embeddingPartition(encoderId: string, modality: Modality): string {
  const hex = encoderId.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new Error(`not a uuid: ${encoderId}`);
  return `vectors.embedding_${hex}_${modality.toLowerCase()}`;
}

/**
 * A view of an encoder's embeddings. Servers of the release before read by it while they are replaced one by one. The next release drops the
 * views.
 */
function formerPartition(encoderId: string): string {
  return embeddingPartition(encoderId, 'IMAGE').replace(/_image$/, '');
}

/** Condition on the table `embedding` for the embeddings of an encoder. The id is in the text, by which the planner finds the partitions. */
export function isOfEncoder(column: string, encoderId: string): string {
  if (!isUuid(encoderId)) throw new Error(`not a uuid: ${encoderId}`);
  return `${column} = '${encoderId}'`;
}

/** The partitions that hold vectors, in the schema `vectors`: found, created and dropped. */
export class VectorPartitions {
  private readonly known = new Map<string, { readonly partition: VectorPartition; readonly until: number }>();

  constructor(private readonly db: Database) {}

  /** The partition with the index that a search of it can use; null if it does not exist. `on`: the transaction to look in. */
  async find(name: string, on: Queryable = this.db): Promise<VectorPartition | null> {
    const known = this.known.get(name);
    if (known && known.until > Date.now()) return known.partition;
    const [row] = await on.run(
      `SELECT pg_get_indexdef(x.indexrelid) AS definition, greatest(t.reltuples, 0)::float8 AS rows
       FROM pg_class t
       LEFT JOIN (pg_index x JOIN pg_class c ON c.oid = x.indexrelid AND c.relname LIKE '%\\_hnsw')
         ON x.indrelid = t.oid AND x.indisvalid
       WHERE t.oid = to_regclass($1)`,
      [name],
    );
    if (!row) return null;
    const { definition, rows } = foundPartition.parse(row);
    const type = /::((?:vector|halfvec)\(\d+\))/.exec(definition ?? '')?.[1] as IndexedType | undefined;
    const partition = {
      name,
      index: type ?? null,
      rows: this.db.distributed ? await shardRows(on, name) : rows,
    };
    this.known.set(name, { partition, until: Date.now() + CACHE_MS });
    return partition;
  }

  /** Looks the partition up again the next time. */
  forget(name: string): void {
    this.known.delete(name);
  }

  /** Whether the partitions of an encoder exist. They are created and dropped together. */
  async hasEmbeddings(encoderId: string): Promise<boolean> {
    return (await this.find(embeddingPartition(encoderId, 'IMAGE'))) !== null;
  }

  /** Creates the partition for an extractor's features if it does not exist. Not inside a transaction. */
  async ensureFeatures(extractor: string): Promise<void> {
    const name = featurePartition(extractor);
    if (await this.find(name)) return;
    await this.create([
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF feature FOR VALUES IN (${literal(extractor)}) ${STORAGE}`,
    ]);
  }

  /** Creates the partitions for an encoder's embeddings if they do not exist. Not inside a transaction. */
  async ensureEmbeddings(encoderId: string): Promise<void> {
    // Another server may have dropped a cached partition.
    this.forgetEmbeddings(encoderId);
    if (await this.hasEmbeddings(encoderId)) return;
    const partitions = MODALITIES.map((modality) => {
      // The last of the modalities has the upper bound.
      const end = modality === 'IMAGE' ? "'TEXT'" : 'MAXVALUE';
      return `CREATE TABLE IF NOT EXISTS ${embeddingPartition(encoderId, modality)} PARTITION OF embedding
          FOR VALUES FROM ('${encoderId}', '${modality}') TO ('${encoderId}', ${end}) ${STORAGE}`;
    });
    const view = `CREATE OR REPLACE VIEW ${formerPartition(encoderId)} AS SELECT * FROM embedding WHERE ${isOfEncoder('encoder_id', encoderId)}`;
    const hasFormerServers = this.db.kind === 'server' && !this.db.distributed;
    await this.create(hasFormerServers ? [...partitions, view] : partitions);
  }

  /**
   * Drops the partitions of an encoder with all its embeddings, if its state is still `cancelled`. Not inside a transaction.
   *
   * @returns false if the tables were in use at every attempt
   */
  async dropEmbeddings(encoderId: string): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      if (await this.tryToDrop(encoderId)) break;
      if (attempt === DROP_ATTEMPTS) return false;
      await setTimeout(DROP_PAUSE_MS * (1 + Math.random()));
    }
    this.forgetEmbeddings(encoderId);
    return true;
  }

  private async tryToDrop(encoderId: string): Promise<boolean> {
    const partitions = MODALITIES.map((modality) => embeddingPartition(encoderId, modality));
    const [found] = await this.db.run('SELECT 1 WHERE to_regclass($1) IS NOT NULL', [partitions[0]]);
    if (found === undefined) return true;
    try {
      return await this.db.transaction(async (tx) => {
        const [lock] = await tx.run<{ free: boolean }>('SELECT pg_try_advisory_xact_lock($1) AS free', [
          PARTITIONS_LOCK,
        ]);
        if (!lock?.free) return false;
        await tx.runOnce(`SET LOCAL lock_timeout = ${DROP_TIMEOUT_MS}`);
        // The foreign keys of the partitions have triggers on the items, which DROP TABLE removes.
        await tx.runOnce('LOCK TABLE item, ONLY embedding IN ACCESS EXCLUSIVE MODE');
        const [inUse] = await tx.run(`SELECT 1 FROM encoder WHERE id = $1 AND state <> 'cancelled'`, [
          encoderId,
        ]);
        if (inUse !== undefined) return true;
        await tx.runOnce(`DROP VIEW IF EXISTS ${formerPartition(encoderId)}`);
        await tx.runOnce(`DROP TABLE IF EXISTS ${partitions.join(', ')}`);
        return true;
      });
    } catch (error) {
      if (isLocked(error)) return false;
      throw error;
    }
  }

  private forgetEmbeddings(encoderId: string): void {
    for (const modality of MODALITIES) this.forget(embeddingPartition(encoderId, modality));
  }

  /**
   * Creates partitions. Their foreign keys need a lock on `item`, and a transaction that deletes items locks the partitions
   * after it: the same order here avoids a deadlock. Writers wait behind a waiting lock, so use a short lock_timeout and retry.
   */
  private async create(statements: readonly string[]): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.db.transaction(async (tx) => {
          await tx.run('SELECT pg_advisory_xact_lock($1)', [PARTITIONS_LOCK]);
          await tx.runOnce(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
          await tx.runOnce('LOCK TABLE item IN SHARE ROW EXCLUSIVE MODE');
          for (const statement of statements) await tx.runOnce(statement);
        });
        return;
      } catch (error) {
        if (!isLocked(error) || attempt === LOCK_ATTEMPTS) throw error;
        await setTimeout(LOCK_PAUSE_MS * (1 + Math.random()));
      }
    }
  }
}

/** The rows of a distributed table, estimated when its shards were analysed: the coordinator's own table is empty. */
async function shardRows(on: Queryable, name: string): Promise<number> {
  const [row] = await on.run<{ rows: number | null }>(
    `SELECT sum(greatest(result::float8, 0)) AS rows
     FROM run_command_on_shards($1::regclass, 'SELECT reltuples FROM pg_class WHERE oid = ''%s''::regclass') WHERE success`,
    [name],
  );
  return row?.rows ?? 0;
}

function isLocked(error: unknown): boolean {
  const { code } = error as { code?: string };
  return code === LOCK_NOT_AVAILABLE || code === DEADLOCK_DETECTED;
}

function literal(text: string): string {
  // A backslash needs no escape in a standard string.
  return `'${text.replaceAll("'", "''")}'`;
}
