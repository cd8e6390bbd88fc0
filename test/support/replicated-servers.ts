import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { expect } from 'vitest';
import { repeatConflicts } from '../../src/catalog/postgres/conflicts.js';
import { type Client, createClient } from '../../src/client/index.js';
import { openApp } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import { createApp, listen } from '../../src/http/app.js';
import type { App } from '../../src/services/app.js';
import { cliEnvironment } from './cli.js';
import { withClient } from './lost-connection.js';
import { OwnPostgres } from './own-postgres.js';

const SERVERS = 2;
const REPLICAS = 2;
export const LAG_SECONDS = 3;

interface Node {
  readonly postgres: OwnPostgres;
  readonly url: string;
}

/** Two servers of the application on a primary and two streaming replicas. */
export interface ReplicatedServers {
  readonly apps: readonly App[];
  readonly addresses: readonly string[];
  readonly primary: Node;
  readonly replicas: readonly Node[];
  /** What servers reported, in words. */
  readonly reports: string[];
  /** A client whose requests go to the servers in turn, as a balancer sends them. */
  balanced(options?: { readonly withoutPosition?: boolean }): Client;
  /** The statements of the application that a database has logged since the last call, without the looks at positions. */
  statements(node: Node): Promise<string[]>;
  /** Resolves when both servers use this number of replicas, which lag by this number of seconds at most. */
  used(count: number, lag?: number): Promise<void>;
  /** Runs a statement on both replicas. */
  onReplicas(statement: string): Promise<void>;
  close(): Promise<void>;
}

export async function openReplicatedServers(): Promise<ReplicatedServers> {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-replicated-'));
  const primary = await startNode(null);
  // The replicas copy the settings.
  await run(primary, `ALTER SYSTEM SET log_statement = 'all'`);
  await run(primary, `ALTER SYSTEM SET log_line_prefix = '[%a] '`);
  await run(primary, `ALTER SYSTEM SET max_standby_streaming_delay = '200ms'`);
  await run(primary, 'SELECT pg_reload_conf()');
  const replicas: Node[] = [];
  for (let i = 0; i < REPLICAS; i += 1) replicas.push(await startNode(primary.postgres));

  const reports: string[] = [];
  const config = readConfig(
    {},
    cliEnvironment({
      COMMONSPACE_DATA: folder,
      DATABASE_URL: primary.url,
      DATABASE_REPLICA_URL: replicas.map(({ url }) => url).join(','),
      COMMONSPACE_REPLICA_LAG_SECONDS: String(LAG_SECONDS),
      COMMONSPACE_JOBS: '0',
    }),
  );
  const apps: App[] = [];
  const servers: FastifyInstance[] = [];
  const addresses: string[] = [];
  for (let i = 0; i < SERVERS; i += 1) {
    const services = await openApp(config, (error) => reports.push((error as Error).message));
    const server = await createApp({
      services,
      logger: pino({ level: 'silent' }),
      apiKeys: [],
      loopback: true,
    });
    apps.push(services);
    servers.push(server);
    addresses.push(await listen(server, '127.0.0.1', 0));
  }
  const logged = new Map<Node, number>();

  return {
    apps,
    addresses,
    primary,
    replicas,
    reports,
    balanced({ withoutPosition = false } = {}) {
      const [first = ''] = addresses;
      let turn = 0;
      return createClient({
        url: first,
        fetch: (input, init) => {
          const headers = new Headers(init?.headers);
          if (withoutPosition) headers.delete('x-commonspace-position');
          const address = String(input).replace(first, addresses[turn++ % SERVERS] ?? '');
          return fetch(address, { ...init, headers });
        },
      });
    },
    async statements(node) {
      const log = await readFile(node.postgres.log, 'utf8');
      const from = logged.get(node) ?? 0;
      logged.set(node, log.length);
      return log
        .slice(from)
        .split(/^(?=\[)/m)
        .filter((entry) => /^\[commonspace\] LOG: {2}(statement|execute)/.test(entry));
    },
    async used(count, lag = LAG_SECONDS) {
      const used = async ({ gauges }: App) =>
        (await gauges.read()).replicas.filter((replica) => replica.used && (replica.lagSeconds ?? 0) <= lag)
          .length;
      await expect
        .poll(() => Promise.all(apps.map(used)), { interval: 50 })
        .toEqual(Array.from({ length: SERVERS }, () => count));
    },
    onReplicas: async (statement) => {
      for (const replica of replicas) await run(replica, statement);
    },
    async close() {
      for (const server of servers) await server.close();
      for (const one of apps) await one.close();
      for (const { postgres } of [...replicas, primary]) await postgres.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startNode(primary: OwnPostgres | null): Promise<Node> {
  const postgres = await OwnPostgres.create(primary);
  return { postgres, url: await postgres.start() };
}

async function run({ url }: Node, statement: string): Promise<void> {
  // A replica can end a statement that delays its replay.
  await repeatConflicts(() => withClient(url, (client) => client.query(statement)));
}
