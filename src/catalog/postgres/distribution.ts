import type pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import type { Database, Queryable } from './database.js';

/** Distributed by home, with one number of shards, so that items of a pair and what belongs to them are on one node; see homes.ts. */
const DISTRIBUTED_TABLES = ['pair', 'item', 'item_class', 'feature', 'embedding'] as const;

/** Every row gets its home. */
const HOMES = [
  'UPDATE pair SET home = id',
  'UPDATE item SET home = COALESCE(pair_id, id)',
  ...['item_class', 'feature', 'embedding'].map(
    (table) => `UPDATE ${table} t SET home = i.home FROM item i WHERE i.id = t.item_id`,
  ),
];

/** Keys that do not have the home, of which an index would need all shards. The catalogue itself keeps identities unique; see requireIdentities. */
const FORMER_KEYS = [
  'ALTER TABLE embedding DROP CONSTRAINT embedding_item_id_fkey, DROP CONSTRAINT embedding_pkey',
  'ALTER TABLE feature DROP CONSTRAINT feature_item_id_fkey, DROP CONSTRAINT feature_pkey',
  'ALTER TABLE item_class DROP CONSTRAINT item_class_item_id_fkey, DROP CONSTRAINT item_class_pkey',
  'ALTER TABLE item DROP CONSTRAINT item_pair_id_fkey, DROP CONSTRAINT item_pkey',
  'ALTER TABLE pair DROP CONSTRAINT pair_pkey',
  'DROP INDEX item_external_id_key, item_keyless_identity_key, pair_key_key',
];

const KEYS = [
  'ALTER TABLE pair ADD CONSTRAINT pair_pkey PRIMARY KEY (id, home)',
  'ALTER TABLE item ADD CONSTRAINT item_pkey PRIMARY KEY (id, home)',
  'ALTER TABLE item_class ADD CONSTRAINT item_class_pkey PRIMARY KEY (item_id, class_id, home)',
  'ALTER TABLE feature ADD CONSTRAINT feature_pkey PRIMARY KEY (item_id, extractor, home)',
  'ALTER TABLE embedding ADD CONSTRAINT embedding_pkey PRIMARY KEY (item_id, encoder_id, modality, home)',
  'ALTER TABLE item ADD CONSTRAINT item_pair_id_fkey FOREIGN KEY (pair_id, home) REFERENCES pair (id, home)',
  ...['item_class', 'feature', 'embedding'].map(
    (table) =>
      `ALTER TABLE ${table} ADD CONSTRAINT ${table}_item_id_fkey FOREIGN KEY (item_id, home) REFERENCES item (id, home) ON DELETE CASCADE`,
  ),
  'CREATE INDEX item_external_id_idx ON item (external_id)',
  'CREATE INDEX pair_key_idx ON pair (key)',
];

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

/**
 * Whether the tables of the catalogue are distributed. To be asked before a migration, which would shut out the version that a database is exported with.
 *
 * @throws CommonspaceError CITUS_LAYOUT
 */
export async function isDistributed(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(`SELECT 1 WHERE to_regclass('pg_dist_partition') IS NOT NULL`);
  if (rows.length === 0) return false;
  const found = await client.query<{ name: string }>(
    `SELECT logicalrelid::text AS name FROM pg_dist_partition
     WHERE logicalrelid IN (to_regclass('item'), to_regclass('feature')) AND partmethod = 'h'`,
  );
  if (found.rows.length !== 1) return found.rows.length > 0;
  throw new CommonspaceError(
    'CITUS_LAYOUT',
    'Another version has distributed the vectors without the items. Export the catalogue with that version, and import it into a new database.',
  );
}

/** How the tables are distributed; null on a Postgres that is not. */
export async function readDistribution(on: Queryable): Promise<Distribution | null> {
  const [found] = await on.run(`SELECT 1 FROM pg_extension WHERE extname = 'citus'`);
  if (found === undefined) return null;
  const [shards] = await on.run<{ count: number }>(
    `SELECT count(*)::int AS count FROM pg_dist_shard WHERE logicalrelid = 'item'::regclass`,
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
      for (const statement of [...FORMER_KEYS, ...HOMES]) await tx.runOnce(statement);
      await tx.runOnce(`SELECT create_reference_table('class')`);
      for (const table of DISTRIBUTED_TABLES) {
        const beside = table === 'pair' ? 'none' : 'pair';
        await tx.runOnce(`SELECT create_distributed_table('${table}', 'home', colocate_with => '${beside}')`);
        // Citus keeps the rows that it has copied to shards, unseen, in the table of the coordinator.
        await tx.runOnce(`SELECT truncate_local_data_after_distributing_table('${table}')`);
      }
      for (const statement of KEYS) await tx.runOnce(statement);
    });
  }
  await writeNodeSettings(db);
  const distribution = await readDistribution(db);
  if (distribution === null) throw new Error(`${DISTRIBUTED_TABLES.join(', ')} are not distributed`);
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
