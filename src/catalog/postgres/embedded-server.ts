import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { CommonspaceError } from '../../domain/errors.js';
import { workerEntry } from '../../platform/worker-entry.js';
import { findTemplate } from './embedded-template.js';
import { lockFolder } from './folder-lock.js';
import { databaseFolders, finishRestore } from './restored-folder.js';

/** The worker's input. */
export interface EmbeddedOrder {
  readonly databaseDir: string;
  readonly socketDir: string;
  /** A dump to start from if there is no database yet. */
  readonly template: string | null;
  readonly maxConnections: number;
  /** In megabytes. */
  readonly sharedBuffers: number;
  /** Those that the server offers: all, but in a test of a server without one. */
  readonly extensions: readonly ('vector' | 'pg_trgm')[];
}
/** The worker's messages. */
export type EmbeddedReport =
  | { readonly kind: 'ready'; readonly host: string; readonly port: number }
  | { readonly kind: 'closed' }
  | { readonly kind: 'failed'; readonly message: string };

/** Postgres' own default, in megabytes. */
const SHARED_BUFFERS = 128;

interface EmbeddedOptions {
  readonly useTemplate?: boolean;
  readonly sharedBuffers?: number;
}

export interface EmbeddedServer {
  /** The folder of a unix socket, or an address, in the form of the `pg` driver. */
  readonly host: string;
  readonly port: number;
  /** Marks the database as complete. Call it after the migrations. */
  keep(): Promise<void>;
  /** Stops the server and releases the folder. */
  close(): Promise<void>;
}

/**
 * Starts the embedded Postgres (PGlite with pgvector and pg_trgm) on `DATA/postgres`, in a worker thread, behind a socket.
 *
 * @throws CommonspaceError DATA_FOLDER_LOCKED, DATA_FOLDER_NOT_WRITABLE, or DATABASE_UNREACHABLE if it cannot start.
 */
export async function startEmbedded(
  dataDir: string,
  { useTemplate = true, sharedBuffers = SHARED_BUFFERS }: EmbeddedOptions = {},
): Promise<EmbeddedServer> {
  const folder = resolve(dataDir);
  const lock = await lockFolder(folder);
  try {
    await finishRestore(folder);
    // The second file exists while the database is incomplete. No write to such a database was ever acknowledged.
    const { database: databaseDir, unfinished } = databaseFolders(folder);
    if (existsSync(unfinished)) await rm(databaseDir, { recursive: true, force: true });
    const fresh = !existsSync(join(databaseDir, 'PG_VERSION'));
    if (fresh) {
      await writeFile(unfinished, '');
      await mkdir(databaseDir, { recursive: true, mode: 0o700 });
    }
    const template = fresh && useTemplate ? await findTemplate() : null;
    const server = await startWorker({
      databaseDir,
      socketDir: join(folder, 'run'),
      template,
      // The pool has one (see database.ts). The second is for a connection that replaces a broken one.
      maxConnections: 2,
      sharedBuffers,
      extensions: ['vector', 'pg_trgm'],
    });
    return {
      ...server,
      keep: () => rm(unfinished, { force: true }),
      async close() {
        await server.close();
        await lock.release();
      },
    };
  } catch (error) {
    await lock.release().catch(() => {});
    throw error;
  }
}

/** Starts the worker without lock and template. Exported for tests. */
export async function startWorker(
  order: EmbeddedOrder,
): Promise<Pick<EmbeddedServer, 'host' | 'port' | 'close'>> {
  const worker = new Worker(workerEntry(import.meta.url, 'pglite.worker'), { workerData: order });
  const exited = new Promise<void>((done) => worker.once('exit', () => done()));
  const first = await nextReport(worker);
  if (first.kind !== 'ready') {
    throw new CommonspaceError(
      'DATABASE_UNREACHABLE',
      `The embedded database in ${order.databaseDir} does not start: ${first.kind === 'failed' ? first.message : first.kind}`,
    );
  }
  return {
    host: first.host,
    port: first.port,
    async close() {
      const answer = nextReport(worker);
      worker.postMessage('close');
      const last = await answer;
      await exited;
      if (last.kind === 'failed')
        throw new Error(`the embedded database did not stop cleanly: ${last.message}`);
    },
  };
}

function nextReport(worker: Worker): Promise<EmbeddedReport> {
  return new Promise((done) => {
    const ended = (why: string) => settle({ kind: 'failed', message: why });
    const onError = (error: Error) => ended(error.stack ?? error.message);
    const onExit = (code: number) => ended(`its thread ended with code ${code}`);
    const settle = (report: EmbeddedReport) => {
      worker.off('message', settle).off('error', onError).off('exit', onExit);
      done(report);
    };
    worker.once('message', settle).once('error', onError).once('exit', onExit);
  });
}
