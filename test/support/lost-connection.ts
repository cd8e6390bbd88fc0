import type { Socket } from 'node:net';
import pg from 'pg';
import type { Catalog } from '../../src/catalog/catalog.js';

/** Breaks the connection of the next client that is checked out: its socket is destroyed when a statement is sent. */
export function breakNextConnection(catalog: Catalog): void {
  catalog.database.pool.once('acquire', (client) => socketOf(client).destroy());
}

/** Breaks all open connections of the pool, in use or idle. */
export async function breakConnections(catalog: Catalog, url: string | null): Promise<void> {
  if (url !== null) {
    await withClient(url, (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND application_name = 'commonspace'`,
      ),
    );
    return;
  }
  const { _clients: clients } = catalog.database.pool as unknown as { _clients: pg.PoolClient[] };
  for (const client of clients) socketOf(client).destroy();
}

/** Runs the work on a connection of its own to a server. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** Condition on pg_stat_activity. A coordinator waits for a node whose statement waits for a lock. */
export const WAITS_FOR_LOCK = `(wait_event_type = 'Lock' OR state = 'active' AND wait_event_type = 'Extension'
  AND query_start < clock_timestamp() - interval '300 milliseconds')`;

/** Resolves when `count` connections of the catalogue wait for a lock, or when `done` returns true. */
export async function waitForLock(
  client: pg.Client,
  count = 1,
  done: () => boolean = () => false,
): Promise<void> {
  while (!done()) {
    const { rows } = await client.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM pg_stat_activity
       WHERE datname = current_database() AND application_name = 'commonspace' AND ${WAITS_FOR_LOCK}`,
    );
    if ((rows[0]?.waiting ?? 0) >= count) return;
  }
}

// The driver does not declare its connection.
function socketOf(client: pg.PoolClient): Socket {
  return (client as unknown as { connection: { stream: Socket } }).connection.stream;
}
