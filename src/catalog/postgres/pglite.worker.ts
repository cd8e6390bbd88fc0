import { mkdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import { pg_trgm } from '@electric-sql/pglite/contrib/pg_trgm';
import { vector } from '@electric-sql/pglite-pgvector';
import { PGLiteSocketServer } from '@electric-sql/pglite-socket';
import type { EmbeddedOrder, EmbeddedReport } from './embedded-server.js';
import { unpackTemplate } from './unpack-template.js';

/** Runs the embedded Postgres in its own thread, because a statement blocks the thread. */

/** sun_path is 108 bytes on Linux and 104 on macOS, with a terminating zero. */
const LONGEST_SOCKET_PATH = 103;
const SOCKET = '.s.PGSQL.5432';
const LOOPBACK = '127.0.0.1';

const order = workerData as EmbeddedOrder;

async function start(): Promise<{
  db: PGlite;
  server: PGLiteSocketServer;
  endpoint: { host: string; port: number };
}> {
  if (order.template !== null) unpackTemplate(order.template, order.databaseDir);
  const extensions = {
    ...(order.extensions.includes('vector') && { vector }),
    ...(order.extensions.includes('pg_trgm') && { pg_trgm }),
  };
  const startParams = [...PGlite.defaultStartParams, '-c', `shared_buffers=${order.sharedBuffers}MB`];
  const db = await PGlite.create(order.databaseDir, { extensions, startParams });
  for (const folder of await socketFolders()) {
    const path = join(folder, SOCKET);
    try {
      await rm(path, { force: true });
      const server = new PGLiteSocketServer({ db, path, maxConnections: order.maxConnections });
      await server.start();
      return { db, server, endpoint: { host: folder, port: 5432 } };
    } catch {
      // The file system has no sockets: try the next folder.
    }
  }
  const server = new PGLiteSocketServer({
    db,
    host: LOOPBACK,
    port: 0,
    maxConnections: order.maxConnections,
  });
  await server.start();
  const port = Number(server.getServerConn().split(':').at(-1));
  return { db, server, endpoint: { host: LOOPBACK, port } };
}

/** Folders for the socket that only this user can enter, the one in the data folder first. */
async function socketFolders(): Promise<string[]> {
  if (process.platform === 'win32') return [];
  const fits = (folder: string) => Buffer.byteLength(join(folder, SOCKET)) <= LONGEST_SOCKET_PATH;
  if (fits(order.socketDir)) {
    mkdirSync(order.socketDir, { recursive: true, mode: 0o700 });
    return [order.socketDir];
  }
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-'));
  return fits(folder) ? [folder] : [];
}

const report = (message: EmbeddedReport) => parentPort?.postMessage(message);

try {
  const { db, server, endpoint } = await start();
  parentPort?.once('message', async () => {
    try {
      await server.stop();
      await db.close();
      if (endpoint.host !== LOOPBACK) await rm(endpoint.host, { recursive: true, force: true });
      report({ kind: 'closed' });
    } catch (error) {
      report({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
    }
    parentPort?.close();
  });
  report({ kind: 'ready', ...endpoint });
} catch (error) {
  report({
    kind: 'failed',
    message: error instanceof Error ? error.message : String(error),
  });
  parentPort?.close();
}
