import type pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import type { Database, Queryable } from './database.js';

/** Every node has all rows of them, so that vectors are joined with their items where they are stored. */
const REFERENCE_TABLES = ['pair', 'class', 'item', 'item_class'] as const;
/** Distributed by item, with one number of shards, so that the vectors of an item are on one node. */
const DISTRIBUTED_TABLES = ['feature', 'embedding'] as const;
/** Citus keeps the rows that it has copied to shards, unseen, in the tables of the coordinator. Not `class`: local tables refer to it. */
const EMPTIED_TABLES = ['feature', 'embedding', 'item_class', 'item', 'pair'] as const;

/**
 * Each shard is scanned to this depth, and all of them together find more than one index of all rows does with the 100 of a single server
 * (docs/decisions/0042-distributed-postgres.md).
 */
const SHARD_EF_SEARCH = 40;

/** Settings that every node needs: those of a session of the coordinator do not reach the others. */
export const NODE_SETTINGS: Readonly<Record<string, string>> = {
  'hnsw.iterative_scan': 'relaxed_order',
  'hnsw.ef_search': String(SHARD_EF_SEARCH),
  // A transaction writes items and their vectors. In parallel it would use several connections to a node, of which none sees the rows of another.
  'citus.multi_shard_modify_mode': 'sequential',
  // Of a connection to a node; 30 s by default. A node that hangs after that is bounded by the time limit of the statement.
  'citus.node_connection_timeout': '5s',
};

/** The number of shards where none is given: each is scanned by every search. */
const DEFAULT_SHARDS = 8;

/** Where a distributed catalogue is stored. */
export interface Distribution {
  readonly shards: number;
  /** `host:port` of the nodes that may hold shards, in order. */
  readonly workers: readonly string[];
}

/** Whether the tables of the catalogue are distributed. */
export async function isDistributed(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`SELECT 1 WHERE to_regclass('pg_dist_partition') IS NOT NULL`);
  if (rows.length === 0) return false;
  const found = await client.query(
    `SELECT 1 FROM pg_dist_partition WHERE logicalrelid = 'feature'::regclass AND partmethod = 'h'`,
  );
  return found.rows.length > 0;
}

/** How the tables are distributed; null on a Postgres that is not. */
export async function readDistribution(on: Queryable): Promise<Distribution | null> {
  const [found] = await on.run(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`);
  if (found === undefined) return null;
  const [shards] = await on.run<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_dist_shard WHERE logicalrelid = 'feature'::regclass`,
  );
  if (!shards?.count) return null;
  return { shards: shards.count, workers: await workersOf(on) };
}

/** `host:port` of the nodes that may hold shards. */
async function workersOf(on: Queryable): Promise<string[]> {
  const rows = await on.run<{ node: string }>(
    `SELECT nodename || ':' || nodeport AS node FROM pg_dist_node
     WHERE isactive AND shouldhaveshards AND noderole = 'primary' ORDER BY nodename, nodeport`,
  );
  return rows.map(({ node }) => node);
}

/**
 * Distributes the tables of the catalogue over the nodes of Citus, in one transaction, and sets what every node needs. Where they are distributed
 * already, only the settings are written. Vector indexes are dropped; the upkeep of indexes builds them again, on all nodes.
 *
 * @throws CommonspaceError CITUS_MISSING without the extension, its coordinator's address, or a worker
 */
export async function distribute(db: Database, shards = DEFAULT_SHARDS): Promise<Distribution> {
  await requireCitus(db);
  if ((await readDistribution(db)) === null) {
    await requireAlone(db);
    await db.transaction(async (tx) => {
      await tx.runOnce(`SET LOCAL citus.multi_shard_modify_mode = 'sequential'`);
      await tx.runOnce(`SET LOCAL citus.shard_count = ${shards}`);
      await dropVectorIndexes(tx);
      for (const table of REFERENCE_TABLES) await tx.runOnce(`SELECT create_reference_table('${table}')`);
      await tx.runOnce(`SELECT create_distributed_table('feature', 'item_id', colocate_with => 'none')`);
      await tx.runOnce(`SELECT create_distributed_table('embedding', 'item_id', colocate_with => 'feature')`);
      for (const table of EMPTIED_TABLES)
        await tx.runOnce(`SELECT truncate_local_data_after_distributing_table('${table}')`);
    });
  }
  await writeNodeSettings(db);
  const distribution = await readDistribution(db);
  if (distribution === null) throw new Error(`${DISTRIBUTED_TABLES.join(' and ')} are not distributed`);
  return distribution;
}

async function requireCitus(db: Database): Promise<void> {
  const missing = (why: string) => new CommonspaceError('CITUS_MISSING', why);
  if (db.kind === 'embedded') throw missing('The embedded database cannot be distributed. Set DATABASE_URL.');
  const [extension] = await db.run(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`);
  if (extension === undefined) {
    throw missing('The database has no Citus extension; docs/operations.md says what is needed.');
  }
  const [coordinator] = await db.run('SELECT 1 FROM pg_dist_node WHERE groupid = 0');
  if (coordinator === undefined) {
    throw missing("The coordinator has no address; run SELECT citus_set_coordinator_host('HOST') there.");
  }
  if ((await workersOf(db)).length === 0) {
    throw missing("There is no worker; run SELECT citus_add_node('HOST', 5432) for each.");
  }
}

/** A server that has begun on plain tables would write as on those. @throws CommonspaceError BUSY */
async function requireAlone(db: Database): Promise<void> {
  const [others] = await db.run<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = current_setting('application_name') AND pid <> pg_backend_pid()`,
  );
  const open = (others?.count ?? 0) - (db.pool.totalCount - 1);
  if (open <= 0) return;
  throw new CommonspaceError(
    'BUSY',
    `Servers or workers use the database (${open} connections). Stop them, and start them again afterwards.`,
  );
}

/** Rows that are copied into an indexed table are indexed one by one, several times as slowly as by a build. */
async function dropVectorIndexes(tx: Queryable): Promise<void> {
  const indexes = await tx.run<{ name: string }>(
    `SELECT indexrelid::regclass::text AS name FROM pg_index x JOIN pg_class c ON c.oid = x.indexrelid
     WHERE c.relname LIKE '%\\_hnsw'`,
  );
  for (const { name } of indexes) await tx.runOnce(`DROP INDEX ${name}`);
}

/** For all later connections to the database. Citus repeats the statement on the other nodes. */
async function writeNodeSettings(db: Database): Promise<void> {
  const [row] = await db.run<{ name: string }>('SELECT quote_ident(current_database()) AS name');
  for (const [setting, value] of Object.entries(NODE_SETTINGS))
    await db.runOnce(`ALTER DATABASE ${row?.name} SET ${setting} = '${value}'`);
}
