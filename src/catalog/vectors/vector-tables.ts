import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';

/**
 * The partitions that hold vectors (in the schema `vectors`), and the HNSW indexes on them.
 *
 * A row with its vector stays in the table's page up to 8160 bytes (2030 dimensions) instead of 2000 bytes: a scan that
 * has to fetch each vector from the side table takes three times as long (docs/decisions/0002-catalogue.md).
 */
const STORAGE = 'WITH (toast_tuple_target = 8160)';

/** Numbers of the advisory locks that serialise the making of partitions and of indexes among servers. */
const PARTITIONS_LOCK = 0x636f6d6d;
const INDEX_LOCK = 0x636f6d6e;

/** pgvector indexes `vector` up to 2000 dimensions and `halfvec` up to 4000. */
const INDEX_DIMENSIONS = { vector: 2000, halfvec: 4000 } as const;

/** Postgres's codes for a lock that was not to be had in time, and for one that would have been waited for in a circle. */
const LOCK_NOT_AVAILABLE = '55P03';
const DEADLOCK_DETECTED = '40P01';
const LOCK_TIMEOUT_MS = 2_000;
const LOCK_PAUSE_MS = 250;
const LOCK_ATTEMPTS = 30;

/** What another server changed is noticed after this long. */
const REMEMBER_MS = 30_000;

/** The expression that an index is on, e.g. `vector(64)`: only a query that orders by the same uses it. */
export type IndexedType = `vector(${number})` | `halfvec(${number})`;

export interface VectorTable {
  readonly name: string;
  /** Null: every search of it is exact. */
  readonly index: IndexedType | null;
}

/** Partition of an extractor's features. */
export function featureTable(extractor: string): string {
  return `vectors.feature_${createHash('sha256').update(extractor).digest('hex').slice(0, 24)}`;
}

/** Partition of an encoder's embeddings, of one modality or (without) of both. */
export function embeddingTable(encoderId: string, modality?: Modality): string {
  const hex = encoderId.replaceAll('-', '').toLowerCase();
  if (!/^[0-9a-f]{32}$/.test(hex)) throw new Error(`not a uuid: ${encoderId}`);
  return `vectors.embedding_${hex}${modality ? `_${modality.toLowerCase()}` : ''}`;
}

export class VectorTables {
  private readonly known = new Map<string, { readonly table: VectorTable; readonly until: number }>();

  constructor(private readonly db: Database) {}

  /** The table if it is there, with the index that a search of it can use. Inside a transaction, `on` is that. */
  async find(name: string, on: Queryable = this.db): Promise<VectorTable | null> {
    const known = this.known.get(name);
    if (known && known.until > Date.now()) return known.table;
    const rows = await on.run<{ definition: string | null }>(
      `SELECT pg_get_indexdef(x.indexrelid) AS definition
       FROM pg_class t
       LEFT JOIN (pg_index x JOIN pg_class c ON c.oid = x.indexrelid AND c.relname LIKE '%\\_hnsw')
         ON x.indrelid = t.oid AND x.indisvalid
       WHERE t.oid = to_regclass($1)`,
      [name],
    );
    const row = rows[0];
    if (!row) return null;
    const type = /::((?:vector|halfvec)\(\d+\))/.exec(row.definition ?? '')?.[1] as IndexedType | undefined;
    const table = { name, index: type ?? null };
    this.known.set(name, { table, until: Date.now() + REMEMBER_MS });
    return table;
  }

  /** Makes the partition for an extractor's features, where there is none. Not inside a transaction. */
  async ensureFeatures(extractor: string): Promise<string> {
    const name = featureTable(extractor);
    if (await this.find(name)) return name;
    await this.alter('SHARE ROW EXCLUSIVE', [
      `CREATE TABLE IF NOT EXISTS ${name} PARTITION OF feature FOR VALUES IN (${literal(extractor)}) ${STORAGE}`,
    ]);
    return name;
  }

  /** Makes the partitions for an encoder's embeddings. Not inside a transaction. */
  async ensureEmbeddings(encoderId: string): Promise<void> {
    const both = embeddingTable(encoderId);
    // Another server may have removed what was here.
    this.forgetEmbeddings(encoderId);
    if (await this.find(both)) return;
    const modalities = (['IMAGE', 'TEXT'] as const).map(
      (modality) =>
        `CREATE TABLE IF NOT EXISTS ${embeddingTable(encoderId, modality)} PARTITION OF ${both} FOR VALUES IN ('${modality}') ${STORAGE}`,
    );
    await this.alter('SHARE ROW EXCLUSIVE', [
      `CREATE TABLE IF NOT EXISTS ${both} PARTITION OF embedding FOR VALUES IN ('${encoderId}') PARTITION BY LIST (modality)`,
      ...modalities,
    ]);
  }

  /** Removes the partitions of an encoder with all its embeddings. Not inside a transaction. */
  async dropEmbeddings(encoderId: string): Promise<void> {
    await this.alter('ACCESS EXCLUSIVE', [`DROP TABLE IF EXISTS ${embeddingTable(encoderId)}`]);
    this.forgetEmbeddings(encoderId);
  }

  private forgetEmbeddings(encoderId: string): void {
    for (const modality of [undefined, 'IMAGE', 'TEXT'] as const) {
      this.known.delete(embeddingTable(encoderId, modality));
    }
  }

  /**
   * Makes or removes partitions. Their foreign keys want a lock on `item`, and whoever deletes items wants one on the
   * partitions: this one is taken first, as those who delete do, so that nobody waits in a circle. Whoever waits for it
   * keeps all others waiting behind, so it gives up soon and tries again.
   */
  private async alter(
    itemLock: 'SHARE ROW EXCLUSIVE' | 'ACCESS EXCLUSIVE',
    statements: readonly string[],
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.db.transaction(async (tx) => {
          await tx.run('SELECT pg_advisory_xact_lock($1)', [PARTITIONS_LOCK]);
          await tx.runOnce(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
          await tx.runOnce(`LOCK TABLE item, encoder IN ${itemLock} MODE`);
          for (const statement of statements) await tx.runOnce(statement);
        });
        return;
      } catch (error) {
        const { code } = error as { code?: string };
        const inTheWay = code === LOCK_NOT_AVAILABLE || code === DEADLOCK_DETECTED;
        if (!inTheWay || attempt === LOCK_ATTEMPTS) throw error;
        await setTimeout(LOCK_PAUSE_MS * (1 + Math.random()));
      }
    }
  }

  /**
   * Builds an HNSW index on each partition that has `threshold` rows or more and none yet. Below that an exact scan is
   * quick enough, and it is exact.
   *
   * @returns the tables that were indexed now.
   */
  async ensureIndexes(threshold: number): Promise<string[]> {
    if (this.db.kind === 'embedded') return this.buildMissing(threshold);
    // One server builds; the others skip the work. The lock belongs to the connection, so it is held in a session.
    return await this.db.session(async (on) => {
      const [row] = await on.run<{ mine: boolean }>('SELECT pg_try_advisory_lock($1) AS mine', [INDEX_LOCK]);
      if (!row?.mine) return [];
      const indexed = await this.buildMissing(threshold);
      await on.run('SELECT pg_advisory_unlock($1)', [INDEX_LOCK]);
      return indexed;
    });
  }

  private async buildMissing(threshold: number): Promise<string[]> {
    const leaves = await this.db.runOnce<{ name: string }>(
      `SELECT relid::regclass::text AS name FROM pg_partition_tree('feature') WHERE isleaf AND relid <> 'feature'::regclass
       UNION ALL
       SELECT relid::regclass::text FROM pg_partition_tree('embedding') WHERE isleaf AND relid <> 'embedding'::regclass`,
    );
    const indexed: string[] = [];
    for (const { name } of leaves) {
      this.known.delete(name);
      const table = await this.find(name);
      if (!table || table.index !== null) continue;
      const type = await this.indexTypeFor(name, threshold);
      if (type === null) continue;
      await this.buildIndex(name, type);
      this.known.delete(name);
      indexed.push(name);
    }
    return indexed;
  }

  private async indexTypeFor(name: string, threshold: number): Promise<IndexedType | null> {
    const [row] = await this.db.runOnce<{ rows: number; dimensions: number | null }>(
      `SELECT (SELECT count(*)::int FROM ${name}) AS rows, (SELECT vector_dims(vec) FROM ${name} LIMIT 1) AS dimensions`,
    );
    if (!row?.dimensions || row.rows < threshold) return null;
    // A halfvec index is half as large and as good, but PGlite builds it four times as slowly.
    if (this.db.kind === 'embedded' && row.dimensions <= INDEX_DIMENSIONS.vector)
      return `vector(${row.dimensions})`;
    return row.dimensions <= INDEX_DIMENSIONS.halfvec ? `halfvec(${row.dimensions})` : null;
  }

  private async buildIndex(name: string, type: IndexedType): Promise<void> {
    const operators = type.startsWith('halfvec') ? 'halfvec_ip_ops' : 'vector_ip_ops';
    const index = `${name.slice(name.indexOf('.') + 1)}_hnsw`;
    const definition = `ON ${name} USING hnsw ((vec::${type}) ${operators})`;
    if (this.db.kind === 'embedded') {
      await this.db.runOnce(`CREATE INDEX IF NOT EXISTS ${index} ${definition}`);
      return;
    }
    // Searches and writes go on meanwhile. What a build that was cut short has left behind is of no use to anybody.
    await this.db.runOnce(`DROP INDEX IF EXISTS vectors.${index}`);
    await this.db.runOnce(`CREATE INDEX CONCURRENTLY ${index} ${definition}`);
  }
}

function literal(text: string): string {
  // Backslashes need no escape in a standard string.
  return `'${text.replaceAll("'", "''")}'`;
}
