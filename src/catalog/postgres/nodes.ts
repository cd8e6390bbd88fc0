import { z } from 'zod';
import type { Database } from './database.js';
import { NODE_SETTINGS, readDistribution } from './distribution.js';

/** Settings that should be the same on all nodes, besides those that `distribute` writes. */
const COMPARED = [
  'server_version',
  'maintenance_work_mem',
  'work_mem',
  'max_connections',
  'wal_level',
] as const;

/** A worker of a distributed database. */
interface WorkerNode {
  /** `host:port` */
  readonly node: string;
  /** Of one distributed table. */
  readonly shards: number;
  /** Of all shards on it, with indexes. */
  readonly bytes: number;
  /** Null: it answers. */
  readonly problem: string | null;
}

interface NodeSetting {
  readonly name: string;
  /** Its value by `host:port`; null where it is not set. */
  readonly values: Readonly<Record<string, string | null>>;
  /** Whether `distribute` writes it. */
  readonly own: boolean;
}

/** What a distributed database is made of. */
export interface Topology {
  readonly shards: number;
  readonly workers: readonly WorkerNode[];
  /** Those that differ between nodes, or of those that `distribute` writes, from what it writes. */
  readonly differing: readonly NodeSetting[];
}

const nodeAnswers = z.array(z.object({ node: z.string(), success: z.boolean(), result: z.string() }));
const settingsOfNode = z.record(z.string(), z.string().nullable());

/** The nodes of the database; null on a Postgres that is not distributed. */
export async function readTopology(db: Database): Promise<Topology | null> {
  const distribution = await readDistribution(db);
  if (distribution === null) return null;
  const names = [...Object.keys(NODE_SETTINGS), ...COMPARED];
  const pairs = names.map((name) => `'${name}', current_setting('${name}', true)`);
  const answers = nodeAnswers.parse(
    await db.run(
      `SELECT n.nodename || ':' || n.nodeport AS node, r.success, r.result
       FROM run_command_on_all_nodes($1) r JOIN pg_dist_node n USING (nodeid) ORDER BY n.groupid`,
      [`SELECT json_build_object(${pairs.join(', ')})::text`],
    ),
  );
  const problems = new Map(answers.flatMap(({ node, success, result }) => (success ? [] : [[node, result]])));
  const settings = answers.flatMap(({ node, success, result }) =>
    success ? [{ node, values: settingsOfNode.parse(JSON.parse(result)) }] : [],
  );
  const sizes = await sizesOf(db, [...problems.keys()]);
  return {
    shards: distribution.shards,
    workers: distribution.workers.map((node) => ({
      node,
      shards: sizes.get(node)?.shards ?? 0,
      bytes: sizes.get(node)?.bytes ?? 0,
      problem: problems.get(node) ?? null,
    })),
    differing: names
      .map((name) => ({
        name,
        values: Object.fromEntries(settings.map(({ node, values }) => [node, values[name] ?? null])),
        own: name in NODE_SETTINGS,
      }))
      .filter(({ name, values }) => new Set([...Object.values(values), ...wantedOf(name)]).size > 1),
  };
}

function wantedOf(name: string): string[] {
  const value = NODE_SETTINGS[name];
  return value === undefined ? [] : [value];
}

/** By `host:port`. The sizes are asked of all nodes at once, so they are 0 while one does not answer. */
async function sizesOf(
  db: Database,
  unreachable: readonly string[],
): Promise<ReadonlyMap<string, { readonly shards: number; readonly bytes: number }>> {
  const size = unreachable.length > 0 ? '0' : 'coalesce(s.shard_size, 0)';
  const from =
    unreachable.length > 0
      ? `(SELECT d.logicalrelid AS table_name, p.nodename, p.nodeport FROM pg_dist_shard d JOIN pg_dist_shard_placement p USING (shardid)) s
         JOIN pg_dist_partition t ON t.logicalrelid = s.table_name AND t.partmethod = 'h'`
      : `citus_shards s JOIN pg_dist_partition t ON t.logicalrelid = s.table_name AND t.partmethod = 'h'`;
  const rows = await db.run<{ node: string; shards: number; bytes: number }>(
    `SELECT s.nodename || ':' || s.nodeport AS node, sum(${size})::float8 AS bytes,
       (count(*) FILTER (WHERE s.table_name = 'item'::regclass))::int AS shards
     FROM ${from} GROUP BY 1`,
  );
  return new Map(rows.map(({ node, ...sizes }) => [node, sizes]));
}
