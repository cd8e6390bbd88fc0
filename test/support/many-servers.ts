import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type Client, createClient } from '../../src/client/index.js';
import { createTestDatabase } from './catalog.js';
import { printed, startCli } from './cli.js';
import { withClient } from './lost-connection.js';
import { type RoundRobin, startRoundRobin } from './round-robin.js';
import { startS3 } from './s3-server.js';
import { ServerProcess } from './server-process.js';
import { saveOnnx, TINY_SENTENCE } from './tiny-onnx.js';

const SERVERS = 2;
const WORKERS = 2;
export const KEY = 'a-key-of-enough-length';

/** Servers and workers as processes on one database, with pictures in object storage. They share no folder. */
export interface ManyServers {
  readonly proxy: RoundRobin;
  /** A client of the proxy, with the key of the environment. */
  readonly client: Client;
  readonly workers: ChildProcess[];
  /** What servers and workers logged as errors. */
  readonly log: string[];
  server(index: number): ServerProcess;
  /** A client of one server. */
  clientOf(index: number, key?: string): Client;
  /** Starts a server in the place of one that was killed. */
  restart(index: number): Promise<void>;
  startWorker(): Promise<ChildProcess>;
  /** The rows that a statement finds in the database. */
  rows<Row extends object>(statement: string, values?: unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

export async function startManyServers(): Promise<ManyServers> {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-many-'));
  const database = await createTestDatabase();
  const s3 = await startS3();
  const { bucket, prefix, endpoint, accessKeyId, secretAccessKey } = s3.options;
  const env = {
    DATABASE_URL: database.url,
    COMMONSPACE_API_KEYS: KEY,
    COMMONSPACE_JOBS: '0',
    COMMONSPACE_MEDIA: `s3://${bucket}/${prefix}`,
    COMMONSPACE_S3_ENDPOINT: endpoint ?? '',
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    // Each process loads it at once.
    COMMONSPACE_TEXT_MODEL: await saveOnnx(join(folder, 'model'), TINY_SENTENCE),
    COMMONSPACE_LOG_LEVEL: 'error',
  };
  const log: string[] = [];
  const onLog = (line: string) => {
    if (line.startsWith('{')) log.push(line);
  };
  let folders = 0;
  const newFolder = async () => {
    const path = join(folder, `data-${folders++}`);
    await mkdir(path);
    return path;
  };
  const startServer = async () => ServerProcess.start(await newFolder(), env, onLog);
  const workers: ChildProcess[] = [];
  const startWorker = async () => {
    const child = startCli(['worker', '--data', await newFolder()], env);
    if (child.stderr !== null) createInterface(child.stderr).on('line', onLog);
    workers.push(child);
    await printed(child, /The worker does/);
    return child;
  };
  const servers = await Promise.all(Array.from({ length: SERVERS }, startServer));
  for (let i = 0; i < WORKERS; i += 1) await startWorker();
  const proxy = await startRoundRobin(servers.map(({ address }) => address));
  const serverAt = (index: number) => {
    const server = servers[index];
    if (server === undefined) throw new Error('no server');
    return server;
  };
  return {
    proxy,
    client: createClient({ url: proxy.address, key: KEY }),
    workers,
    log,
    server: serverAt,
    clientOf: (index, key = KEY) => createClient({ url: serverAt(index).address, key }),
    restart: async (index) => {
      const server = await startServer();
      servers[index] = server;
      proxy.replace(index, server.address);
    },
    startWorker,
    rows: async <Row extends object>(statement: string, values: unknown[] = []) =>
      withClient(database.url, async (client) => (await client.query(statement, values)).rows as Row[]),
    close: async () => {
      await proxy.close();
      for (const server of servers) await server.stop();
      for (const worker of workers) {
        if (worker.exitCode !== null || worker.signalCode !== null) continue;
        const ended = once(worker, 'close');
        worker.kill('SIGTERM');
        await ended;
      }
      await s3.dispose();
      await database.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
