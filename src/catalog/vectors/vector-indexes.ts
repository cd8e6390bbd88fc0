import { z } from 'zod';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { IndexedType, VectorPartitions } from './vector-partitions.js';

/** Partitions with fewer rows are scanned exactly: 64 dimensions take about 20 ms at this size. */
export const INDEX_FROM_ROWS = 20_000;

/** Key of the advisory lock that lets one server at a time build indexes. */
const INDEX_LOCK = 0x636f6d6e;

/** pgvector indexes `vector` up to 2000 dimensions and `halfvec` up to 4000. */
const INDEX_DIMENSIONS = { vector: 2000, halfvec: 4000 } as const;

/**
 * Memory that a build on a server may take. A graph that exceeds it is built several times as slowly. A vector's entry is its
 * numbers and about 400 bytes.
 */
const MOST_BUILD_BYTES = 2 ** 30;
const BYTES_OF_ENTRY = 400;
const BYTES_OF_NUMBER = 2;
/** SQLSTATE of shared memory that is too small for parallel workers, as in a container with 64 MB of it. */
const DISK_FULL = '53100';

/** Condition on a row of pg_stat_activity. Not pg_stat_progress_create_index: a coordinator has no row there for a build on other nodes. */
const BUILDS = `a.datname = current_database() AND a.state = 'active' AND a.query LIKE 'CREATE INDEX CONCURRENTLY %' AND a.pid <> pg_backend_pid()`;

const lock = z.object({ acquired: z.boolean() });
const leaf = z.object({
  name: z.string(),
  bytes: z.coerce.number(),
  index: z.enum(['none', 'invalid', 'valid']),
  building: z.boolean(),
});
type Leaf = z.infer<typeof leaf>;
const sample = z.object({
  rows: z.number(),
  dimensions: z.number().nullable(),
  extractor: z.string().nullable(),
});

/** A partition that has enough vectors for an index and no valid one, so that its searches compare every row. */
export type LackingIndex = {
  /** Qualified by the schema `vectors`. */
  readonly partition: string;
  /** Whether some server builds the index now. */
  readonly building: boolean;
} & ({ readonly extractor: string } | { readonly encoderId: string; readonly modality: Modality });

export interface EnsureIndexes {
  /** Partitions with this many rows get an index; INDEX_FROM_ROWS where not given. */
  readonly rows?: number;
  /** The number of indexes to build at most. 0: only invalid indexes are dropped. */
  readonly atMost?: number;
  /** Ends the wait. A server completes the index that it has begun; the embedded one cannot be interrupted. */
  readonly signal?: AbortSignal;
}

/** The HNSW indexes on the partitions that hold vectors. */
export class VectorIndexes {
  /** What the latest count of a partition found. A partition of the same size on disk is not counted again. */
  private readonly counted = new Map<string, Counted>();
  private building: string | null = null;

  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /**
   * Builds an HNSW index on each partition that has `rows` rows or more and no valid index, and drops indexes that an
   * interrupted build left invalid. Searches are exact until then, and fast enough below the threshold. If another server
   * builds, this one does nothing.
   *
   * @returns the names of the partitions that were indexed now.
   */
  async ensure(options: EnsureIndexes = {}): Promise<string[]> {
    const { signal } = options;
    if (this.db.kind === 'embedded') return await this.buildMissing(this.db, options);
    // The lock belongs to the connection that builds: if this process is killed, the server still completes the statement,
    // and no other server may build meanwhile.
    return await this.db.session(async (on) => {
      const [row] = await on.run('SELECT pg_try_advisory_lock($1) AS acquired', [INDEX_LOCK]);
      if (!lock.parse(row).acquired) return [];
      const indexed = await unlessAborted(this.buildMissing(on, options), signal);
      await on.run('SELECT pg_advisory_unlock($1)', [INDEX_LOCK]);
      return indexed;
    });
  }

  /** Cancels the build that goes on at the server, whichever process began it. The embedded database cannot be interrupted. */
  async cancelBuild(): Promise<void> {
    await this.db.run(
      `SELECT pg_cancel_backend(a.pid) FROM pg_stat_activity a WHERE ${BUILDS} AND a.query LIKE '% ON vectors.%'`,
    );
  }

  /** The partitions that have `threshold` rows or more and no valid index. */
  async lacking(threshold = INDEX_FROM_ROWS): Promise<LackingIndex[]> {
    const found: LackingIndex[] = [];
    for (const one of await this.leaves(this.db)) {
      if (one.index === 'valid') continue;
      const about = await this.large(one, threshold);
      if (about === null) continue;
      found.push({ partition: one.name, building: one.building || this.building === one.name, ...about.of });
    }
    return found;
  }

  private async buildMissing(
    on: Queryable,
    { rows = INDEX_FROM_ROWS, atMost = Number.POSITIVE_INFINITY, signal }: EnsureIndexes,
  ): Promise<string[]> {
    const indexed: string[] = [];
    for (const one of await this.leaves(on)) {
      if (signal?.aborted) break;
      if (one.index === 'valid') continue;
      // Only this server builds, so an invalid index is what an interrupted build left behind.
      if (one.index === 'invalid')
        await on.runOnce(`DROP INDEX CONCURRENTLY IF EXISTS vectors.${indexName(one.name)}`);
      if (indexed.length >= atMost) continue;
      const about = await this.large(one, rows, on);
      if (about === null) continue;
      this.building = one.name;
      try {
        await this.build(on, one.name, about.type);
      } finally {
        this.building = null;
      }
      this.partitions.forget(one.name);
      indexed.push(one.name);
    }
    return indexed;
  }

  /** Leaf partitions of features and embeddings, with the state of their indexes. */
  private async leaves(on: Queryable): Promise<Leaf[]> {
    const rows = await on.run(
      `SELECT t.oid::regclass::text AS name, ${this.db.distributed ? 'citus_relation_size' : 'pg_relation_size'}(t.oid) AS bytes,
         CASE WHEN x.indexrelid IS NULL THEN 'none' WHEN x.indisvalid THEN 'valid' ELSE 'invalid' END AS index,
         EXISTS (SELECT 1 FROM pg_stat_activity a
           WHERE ${BUILDS} AND a.query LIKE '% ON ' || t.oid::regclass::text || ' %') AS building
       FROM (SELECT relid FROM pg_partition_tree('feature') WHERE isleaf
         UNION ALL SELECT relid FROM pg_partition_tree('embedding') WHERE isleaf) l
       JOIN pg_class t ON t.oid = l.relid AND t.relkind = 'r'
       LEFT JOIN (pg_index x JOIN pg_class c ON c.oid = x.indexrelid AND c.relname LIKE '%\\_hnsw') ON x.indrelid = t.oid
       ORDER BY name`,
    );
    return z.array(leaf).parse(rows);
  }

  /** What the index of a partition is to be on, and what it holds; null if it has fewer rows than the threshold. */
  private async large(
    { name, bytes }: Leaf,
    threshold: number,
    on: Queryable = this.db,
  ): Promise<Counted['large']> {
    const counted = this.counted.get(name);
    if (counted?.bytes === bytes && counted.threshold === threshold) return counted.large;
    const isFeatures = name.startsWith('vectors.feature_');
    const [row] = await on.runOnce(
      `SELECT (SELECT count(*)::int FROM (SELECT 1 FROM ${name} LIMIT $1) s) AS rows,
         (SELECT vector_dims(vec) FROM ${name} LIMIT 1) AS dimensions,
         ${isFeatures ? `(SELECT extractor FROM ${name} LIMIT 1)` : 'NULL::text'} AS extractor`,
      [threshold],
    );
    const { rows, dimensions, extractor } = sample.parse(row);
    const type = dimensions === null ? null : this.typeFor(dimensions);
    const of = () => (isFeatures ? { extractor: extractor ?? '' } : embeddingsIn(name));
    const large = rows < threshold || type === null ? null : { type, of: of() };
    this.counted.set(name, { bytes, threshold, large });
    return large;
  }

  private typeFor(dimensions: number): IndexedType | null {
    // A halfvec index has half the size and the same recall, but PGlite builds it four times as slowly.
    if (this.db.kind === 'embedded' && dimensions <= INDEX_DIMENSIONS.vector) return `vector(${dimensions})`;
    return dimensions <= INDEX_DIMENSIONS.halfvec ? `halfvec(${dimensions})` : null;
  }

  private async build(on: Queryable, name: string, type: IndexedType): Promise<void> {
    const operators = type.startsWith('halfvec') ? 'halfvec_ip_ops' : 'vector_ip_ops';
    const definition = `${indexName(name)} ON ${name} USING hnsw ((vec::${type}) ${operators})`;
    if (this.db.kind === 'embedded') {
      await on.runOnce(`CREATE INDEX ${definition}`);
      return;
    }
    // CONCURRENTLY lets searches and writes continue.
    const create = () => on.runOnce(`CREATE INDEX CONCURRENTLY ${definition}`);
    await giveMemory(on, name, type);
    try {
      await create();
    } catch (error) {
      if ((error as { code?: unknown }).code !== DISK_FULL) throw error;
      await on.runOnce(`DROP INDEX CONCURRENTLY IF EXISTS vectors.${indexName(name)}`);
      await on.runOnce('SET max_parallel_maintenance_workers = 0');
      await create();
    }
    // After an error the connection is closed.
    await on.runOnce('RESET maintenance_work_mem');
    await on.runOnce('RESET max_parallel_maintenance_workers');
  }
}

/** Raises maintenance_work_mem for this connection, until it is reset. */
async function giveMemory(on: Queryable, name: string, type: IndexedType): Promise<void> {
  const dimensions = Number(/\d+/.exec(type)?.[0]);
  const bytes = BYTES_OF_NUMBER * dimensions + BYTES_OF_ENTRY;
  await on.runOnce(
    `SELECT set_config('maintenance_work_mem', GREATEST(pg_size_bytes(current_setting('maintenance_work_mem')),
       LEAST(${MOST_BUILD_BYTES}, ${bytes} * (SELECT count(*) FROM ${name}))) / 1024 || 'kB', false)`,
  );
}

interface Counted {
  readonly bytes: number;
  readonly threshold: number;
  /** Null: fewer rows than the threshold. */
  readonly large: { readonly type: IndexedType; readonly of: LackingOf } | null;
}

type LackingOf = { readonly extractor: string } | { readonly encoderId: string; readonly modality: Modality };

function indexName(partition: string): string {
  return `${partition.slice(partition.indexOf('.') + 1)}_hnsw`;
}

/** The encoder and the modality in the name of a partition; see embeddingPartition. */
function embeddingsIn(name: string): LackingOf {
  const [, hex = '', suffix = ''] = /_([0-9a-f]{32})_(\w+)$/.exec(name) ?? [];
  const encoderId = hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
  const modality = MODALITIES.find((one) => one.toLowerCase() === suffix);
  if (modality === undefined) throw new Error(`not a partition of embeddings: ${name}`);
  return { encoderId, modality };
}

/** The result of the work, or the reason of an abort that comes first. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  let abort = () => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  if (signal.aborted) abort();
  // After an abort the connection is closed and the work fails without a caller.
  work.catch(() => {});
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
