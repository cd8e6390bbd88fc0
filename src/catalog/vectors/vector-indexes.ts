import { z } from 'zod';
import type { Database } from '../postgres/database.js';
import type { IndexedType, VectorPartitions } from './vector-partitions.js';

/** Partitions with fewer rows are scanned exactly: 64 dimensions take about 20 ms at this size. */
const INDEX_FROM_ROWS = 20_000;

/** Key of the advisory lock that lets one server at a time build indexes. */
const INDEX_LOCK = 0x636f6d6e;

/** pgvector indexes `vector` up to 2000 dimensions and `halfvec` up to 4000. */
const INDEX_DIMENSIONS = { vector: 2000, halfvec: 4000 } as const;

const lock = z.object({ acquired: z.boolean() });
const leaf = z.object({ name: z.string() });
const partitionSize = z.object({ rows: z.number(), dimensions: z.number().nullable() });

/** The HNSW indexes on the partitions that hold vectors. */
export class VectorIndexes {
  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /**
   * Builds an HNSW index on each partition that has `threshold` rows or more and no index. Searches are exact until then,
   * and fast enough below the threshold.
   *
   * @returns the names of the partitions that were indexed now.
   */
  async ensure(threshold = INDEX_FROM_ROWS): Promise<string[]> {
    if (this.db.kind === 'embedded') return this.buildMissing(threshold);
    // One server builds, the others skip it. The lock belongs to the connection, so it is held in a session.
    return await this.db.session(async (on) => {
      const [row] = await on.run('SELECT pg_try_advisory_lock($1) AS acquired', [INDEX_LOCK]);
      if (!lock.parse(row).acquired) return [];
      const indexed = await this.buildMissing(threshold);
      await on.run('SELECT pg_advisory_unlock($1)', [INDEX_LOCK]);
      return indexed;
    });
  }

  private async buildMissing(threshold: number): Promise<string[]> {
    const leaves = await this.db.runOnce(
      `SELECT relid::regclass::text AS name FROM pg_partition_tree('feature') WHERE isleaf AND relid <> 'feature'::regclass
       UNION ALL
       SELECT relid::regclass::text FROM pg_partition_tree('embedding') WHERE isleaf AND relid <> 'embedding'::regclass`,
    );
    const indexed: string[] = [];
    for (const { name } of leaf.array().parse(leaves)) {
      this.partitions.forget(name);
      const partition = await this.partitions.find(name);
      if (!partition || partition.index !== null) continue;
      const type = await this.typeFor(name, threshold);
      if (type === null) continue;
      await this.build(name, type);
      this.partitions.forget(name);
      indexed.push(name);
    }
    return indexed;
  }

  private async typeFor(name: string, threshold: number): Promise<IndexedType | null> {
    const [row] = await this.db.runOnce(
      `SELECT (SELECT count(*)::int FROM ${name}) AS rows, (SELECT vector_dims(vec) FROM ${name} LIMIT 1) AS dimensions`,
    );
    const { rows, dimensions } = partitionSize.parse(row);
    if (!dimensions || rows < threshold) return null;
    // A halfvec index has half the size and the same recall, but PGlite builds it four times as slowly.
    if (this.db.kind === 'embedded' && dimensions <= INDEX_DIMENSIONS.vector) return `vector(${dimensions})`;
    return dimensions <= INDEX_DIMENSIONS.halfvec ? `halfvec(${dimensions})` : null;
  }

  private async build(name: string, type: IndexedType): Promise<void> {
    const operators = type.startsWith('halfvec') ? 'halfvec_ip_ops' : 'vector_ip_ops';
    const index = `${name.slice(name.indexOf('.') + 1)}_hnsw`;
    const definition = `ON ${name} USING hnsw ((vec::${type}) ${operators})`;
    if (this.db.kind === 'embedded') {
      await this.db.runOnce(`CREATE INDEX IF NOT EXISTS ${index} ${definition}`);
      return;
    }
    // Drop the invalid index that an interrupted build leaves behind. CONCURRENTLY lets searches and writes continue.
    await this.db.runOnce(`DROP INDEX IF EXISTS vectors.${index}`);
    await this.db.runOnce(`CREATE INDEX CONCURRENTLY ${index} ${definition}`);
  }
}
