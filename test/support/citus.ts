import { randomBytes } from 'node:crypto';
import { connect } from '../../src/catalog/postgres/connect.js';
import { distribute } from '../../src/catalog/postgres/distribution.js';
import { onServer, withDatabase } from './servers.js';

/** Few shards: each costs time in every statement, and two nodes have both of their own. */
const SHARDS = 4;

export interface Node {
  readonly host: string;
  readonly port: number;
}

/** The nodes of the cluster that TEST_CITUS_URL names: a database of the coordinator that knows its workers. */
export async function nodesOf(
  url: string,
): Promise<{ readonly coordinator: Node; readonly workers: readonly Node[] }> {
  const rows = await onServer<{ host: string; port: number; coordinator: boolean }>(
    url,
    `SELECT nodename AS host, nodeport AS port, groupid = 0 AS coordinator FROM pg_dist_node ORDER BY nodeport`,
  );
  const coordinator = rows.find((node) => node.coordinator);
  if (!coordinator) throw new Error('the coordinator has no address; see citus_set_coordinator_host');
  return { coordinator, workers: rows.filter((node) => !node.coordinator) };
}

/**
 * A database of a random name on all nodes, with the tables of a catalogue, distributed.
 *
 * @param options `empty`: without tables; `workers` false: its coordinator knows no worker
 */
export async function createDistributedDatabase(
  url: string,
  { empty = false, workers: known = true }: { readonly empty?: boolean; readonly workers?: boolean } = {},
): Promise<{ readonly url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const { coordinator, workers } = await nodesOf(url);
  const addressOf = ({ host, port }: Node, database: string) => {
    const address = new URL(withDatabase(url, database));
    address.hostname = host;
    address.port = String(port);
    return address.href;
  };
  const all = [coordinator, ...workers];
  const own = addressOf(coordinator, name);
  const drop = async () => {
    await Promise.all(
      all.map((node) =>
        onServer(addressOf(node, 'postgres'), `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
      ),
    );
  };
  try {
    await Promise.all(
      all.map(async (node) => {
        await onServer(addressOf(node, 'postgres'), `CREATE DATABASE ${name}`);
        const extensions = ['citus', 'vector', 'pg_trgm'].map((extension) => `CREATE EXTENSION ${extension}`);
        await onServer(addressOf(node, name), ...extensions);
      }),
    );
    await onServer(
      own,
      `SELECT citus_set_coordinator_host('${coordinator.host}', ${coordinator.port})`,
      ...(known ? workers : []).map(({ host, port }) => `SELECT citus_add_node('${host}', ${port})`),
    );
    if (!empty) await distributeAt(own);
  } catch (error) {
    await drop();
    throw error;
  }
  return { url: own, drop };
}

async function distributeAt(databaseUrl: string): Promise<void> {
  const database = await connect({ databaseUrl });
  try {
    await distribute(database, SHARDS);
  } finally {
    await database.close();
  }
}
