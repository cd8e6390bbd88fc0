import pg from 'pg';
import { CommonspaceError, type ErrorCode } from '../../domain/errors.js';
import { connectReplicas, type ReplicaOptions } from './connect-replicas.js';
import { createDatabase, createPool, type Database } from './database.js';
import { isDistributed } from './distribution.js';
import { type EmbeddedServer, startEmbedded } from './embedded-server.js';
import { createGuard, type ReportConnectionError } from './lost-connection.js';
import { migrate } from './migrate.js';
import { SERVER_LIMITS, type TimeLimits } from './work-pool.js';

/** The first pgvector with iterative scans, without which a filtered search can lose results. */
const OLDEST_PGVECTOR = [0, 8] as const;

const MISSING_EXTENSION: ReadonlySet<ErrorCode> = new Set(['PGVECTOR_MISSING', 'PG_TRGM_MISSING']);

const CONNECT_TIMEOUT_MS = 5_000;

export interface ConnectOptions extends ReplicaOptions {
  /** A Postgres with pgvector; without it, the embedded one under `dataDir` is used. */
  readonly databaseUrl?: string | null;
  readonly dataDir?: string | null;
  /** Receives every error that ends or refuses a connection, for the log. */
  readonly onError?: ReportConnectionError;
  /** How long a server may take to answer the first time, in milliseconds; 5000 where not given. */
  readonly connectTimeoutMs?: number;
  /** Time limits of requests on a server; SERVER_LIMITS where not given. */
  readonly limits?: Partial<TimeLimits>;
  /** Megabytes in which the embedded database keeps pages. It touches all of them when it starts. */
  readonly sharedBuffers?: number;
  /** False: make a new embedded database by initdb and not from the template. */
  readonly useTemplate?: boolean;
}

/**
 * Connects to the server, or starts the embedded one, and applies the migrations.
 *
 * @throws CommonspaceError DATABASE_UNREACHABLE (after at most 5 s), PGVECTOR_MISSING, PG_TRGM_MISSING,
 * MIGRATION_FAILED, DATA_FOLDER_LOCKED, DATA_FOLDER_NOT_WRITABLE, BAD_CONFIG.
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const onError = options.onError ?? (() => {});
  if (options.databaseUrl) {
    return connectToServer(options.databaseUrl, onError, options);
  }
  if (!options.dataDir)
    throw new CommonspaceError('BAD_CONFIG', 'Neither a database nor a data folder was given.');
  const server = await startEmbedded(options.dataDir, options);
  return connectToEmbedded(server, onError);
}

async function connectToEmbedded(server: EmbeddedServer, onError: ReportConnectionError): Promise<Database> {
  const { host, port } = server;
  const config = { host, port, user: 'postgres', database: 'postgres', password: '', ssl: false };
  const guard = createGuard(onError);
  let prepared: Prepared;
  try {
    prepared = await guard(async () => prepare(await openClient(config, onError)));
    await server.keep();
  } catch (error) {
    await server.close();
    throw error;
  }
  const database = createDatabase('embedded', createPool('embedded', config, onError), prepared, guard);
  return {
    ...database,
    async close() {
      await database.close();
      await server.close();
    },
  };
}

async function connectToServer(
  databaseUrl: string,
  onError: ReportConnectionError,
  options: ConnectOptions,
): Promise<Database> {
  const { connectTimeoutMs: connectionTimeoutMillis = CONNECT_TIMEOUT_MS, limits: own } = options;
  if (!URL.canParse(databaseUrl)) {
    // Without the address itself, which may contain a password.
    throw new CommonspaceError(
      'DATABASE_UNREACHABLE',
      'DATABASE_URL is not an address such as postgresql://user@host:5432/name.',
    );
  }
  const name = serverName(databaseUrl);
  const config = { connectionString: databaseUrl, connectionTimeoutMillis };
  const guard = createGuard(onError);
  const client = await openClient(config, onError).catch((error: unknown) => {
    throw new CommonspaceError(
      'DATABASE_UNREACHABLE',
      `DATABASE_URL (${name}) does not answer: ${reason(error)}.`,
      [],
      { cause: error },
    );
  });
  const prepared = await guard(() => prepare(client)).catch((error: unknown) => {
    if (!(error instanceof CommonspaceError) || !MISSING_EXTENSION.has(error.code)) throw error;
    throw new CommonspaceError(error.code, `DATABASE_URL (${name}): ${error.message}`, [], {
      cause: error.cause,
    });
  });
  const limits = { ...SERVER_LIMITS, ...own };
  const pool = createPool('server', config, onError, limits);
  const replicas = connectReplicas(databaseUrl, pool, options, onError, limits);
  return createDatabase('server', pool, prepared, guard, limits, replicas);
}

/** A connection of its own: those of the pool need pgvector's types, which the migrations create. */
async function openClient(config: pg.ClientConfig, onError: ReportConnectionError): Promise<pg.Client> {
  const client = new pg.Client(config);
  client.on('error', onError);
  await client.connect();
  return client;
}

type Prepared = Pick<Database, 'applied' | 'distributed'>;

/** Checks for the extensions and migrates, then ends the connection. */
async function prepare(client: pg.Client): Promise<Prepared> {
  try {
    await requirePgvector(client);
    await requireTrigrams(client);
    const distributed = await isDistributed(client);
    return { applied: await migrate(client), distributed };
  } finally {
    await client.end();
  }
}

async function requirePgvector(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ default_version: string; installed_version: string | null }>(
    `SELECT default_version, installed_version FROM pg_available_extensions WHERE name = 'vector'`,
  );
  const found = rows[0];
  const wanted = OLDEST_PGVECTOR.join('.');
  if (!found) {
    throw new CommonspaceError(
      'PGVECTOR_MISSING',
      `the server has no pgvector extension; install pgvector ${wanted} or newer there.`,
    );
  }
  const version = found.installed_version ?? found.default_version;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major < OLDEST_PGVECTOR[0] || (major === OLDEST_PGVECTOR[0] && minor < OLDEST_PGVECTOR[1])) {
    throw new CommonspaceError(
      'PGVECTOR_MISSING',
      `pgvector ${version} is too old, ${wanted} or newer is needed; see ALTER EXTENSION vector UPDATE.`,
    );
  }
  if (found.installed_version === null) await createExtension(client, 'vector', 'PGVECTOR_MISSING');
}

/** pg_trgm finds misspelt words. It comes with Postgres; some distributions put it into a package of its own. */
async function requireTrigrams(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ installed_version: string | null }>(
    `SELECT installed_version FROM pg_available_extensions WHERE name = 'pg_trgm'`,
  );
  const [found] = rows;
  if (!found) {
    throw new CommonspaceError(
      'PG_TRGM_MISSING',
      "the server has no pg_trgm extension; install Postgres' contrib modules there (postgresql-contrib).",
    );
  }
  if (found.installed_version === null) await createExtension(client, 'pg_trgm', 'PG_TRGM_MISSING');
}

async function createExtension(
  client: pg.ClientBase,
  name: 'vector' | 'pg_trgm',
  missing: ErrorCode,
): Promise<void> {
  try {
    await client.query(`CREATE EXTENSION IF NOT EXISTS ${name}`);
  } catch (error) {
    const { code } = error as pg.DatabaseError;
    if (code === '23505' || code === '42710') return; // Another server has just created it.
    throw new CommonspaceError(
      missing,
      `this user cannot create the extension (${reason(error)}); let an administrator run CREATE EXTENSION ${name}.`,
      [],
      { cause: error },
    );
  }
}

/** Host, port and name of a database, without user and password. */
function serverName(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  return `${url.hostname || 'localhost'}:${url.port || '5432'}${url.pathname}`;
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // Node combines failed attempts at several addresses into one error without a message.
  if (error instanceof AggregateError) return error.errors.map(reason).join(', ');
  return error.message;
}
