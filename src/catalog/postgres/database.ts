import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { registerTypes } from 'pgvector/pg';
import { PrismaClient } from '../../__generated__/prisma/client.js';
import { timeStage } from '../../domain/observations.js';
import { currentRequest, outsideRequest } from '../../platform/request-work.js';
import { repeatConflicts } from './conflicts.js';
import type { Guard, ReportConnectionError } from './lost-connection.js';
import type { Replicas } from './replicas.js';
import { withoutHomes } from './without-homes.js';
import { EMBEDDED_LIMITS, SERVER_LIMITS, type TimeLimits, WorkPool } from './work-pool.js';

/** Something that runs SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  /** Whether the tables are distributed over several servers; see distribution.ts. */
  readonly distributed: boolean;
  /**
   * Runs a statement whose text recurs: each connection prepares it once. A Buffer among the values is sent as it is, in
   * Postgres's binary format (see vector-codec.ts), everything else as text.
   */
  run<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a statement whose text does not recur. */
  runOnce<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

/**
 * The database. A connection that is lost or refused fails the call with CommonspaceError DATABASE_UNREACHABLE. Within a request
 * calls also fail with BUSY, DATABASE_TIMEOUT and CANCELLED; see WorkPool.
 */
export interface Database extends Queryable {
  readonly kind: 'embedded' | 'server';
  /** Names of the migrations that connecting applied. */
  readonly applied: readonly string[];
  readonly pool: pg.Pool;
  readonly prisma: CatalogPrisma;
  /** Null without replicas. */
  readonly replicas: Replicas | null;
  /**
   * Runs the work in a transaction. Inside, use only `tx`: on the embedded database another statement would deadlock. The order
   * of locks is described in conflicts.ts.
   *
   * @param options `repeat`: run the work again if the server ends it because of a conflict; see repeatConflicts. `snapshot`: all
   *   statements read the state of one moment, and none can write. `items`: it writes or locks rows of items, pairs or classes; see
   *   ITEMS_LOCK.
   */
  transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /**
   * Runs the work on one connection, for state that belongs to it, such as advisory locks. If the work fails, the
   * connection is closed and its state ends with it. It is maintenance, and has no time limit even in a request.
   */
  session<T>(work: (on: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

interface TransactionOptions {
  readonly repeat?: boolean;
  readonly snapshot?: boolean;
  readonly items?: boolean;
}

/**
 * On a distributed database no rows of several shards can be locked, and no index keeps identities unique over them. Transactions that write items
 * take turns instead.
 */
const ITEMS_LOCK = 0x636f6d73;

/** Rows that an HNSW scan reads in one round. An iterative scan continues while a filter leaves too few. */
const HNSW_EF_SEARCH = 100;

/** Of words that are looked up by a misspelt one (src/catalog/words/expand-sql.ts). */
const LEAST_SPELLING_SIMILARITY = 0.4;

/**
 * The embedded session, with its prepared statements, outlives a connection: a new one deallocates them. Pages are in
 * memory, so random access is cheap. An HNSW index that exceeds maintenance_work_mem builds several times as slowly.
 */
const EMBEDDED_SETTINGS = `DEALLOCATE ALL; SET random_page_cost = 1.1; SET maintenance_work_mem = '256MB'`;

function limitsOf(kind: 'embedded' | 'server'): TimeLimits {
  return kind === 'embedded' ? EMBEDDED_LIMITS : SERVER_LIMITS;
}

/** The connection pool of raw SQL and Prisma. */
export function createPool(
  kind: 'embedded' | 'server',
  config: pg.PoolConfig,
  onError: ReportConnectionError,
  limits: TimeLimits = limitsOf(kind),
): WorkPool {
  const options: pg.PoolConfig = {
    // PGlite is a single session, and all connections share its prepared statements: the names of a second connection would
    // clash with those of the first. With one connection, the pool's queue serialises the statements.
    max: kind === 'embedded' ? 1 : 10,
    idleTimeoutMillis: kind === 'embedded' ? 0 : 30_000,
    keepAlive: true,
    application_name: 'commonspace',
    ...config,
    onConnect: async (client: pg.ClientBase) => {
      // Vectors in results are arrays of numbers.
      await registerTypes(client);
      // Prisma's adapter takes every time for UTC, so the server must write it in UTC.
      await client.query(
        `SET TIME ZONE 'UTC'; SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = ${HNSW_EF_SEARCH};
         SET pg_trgm.similarity_threshold = ${LEAST_SPELLING_SIMILARITY};
         ${kind === 'embedded' ? EMBEDDED_SETTINGS : ''}`,
      );
    },
  };
  const pool = new WorkPool(kind, options, limits);
  // An 'error' event without a listener ends the process. A client emits one when its connection is lost, idle or in use.
  pool.on('connect', (client) => client.on('error', onError));
  // The pool repeats the event of an idle client, which that listener has reported.
  pool.on('error', () => {});
  return pool;
}

export function createDatabase(
  kind: 'embedded' | 'server',
  pool: pg.Pool,
  { applied, distributed }: Pick<Database, 'applied' | 'distributed'>,
  guard: Guard,
  limits: TimeLimits = limitsOf(kind),
  replicas: Replicas | null = null,
): Database {
  const prisma = createPrisma(pool, guard);
  async function transaction<T>(
    work: (tx: Queryable) => Promise<T>,
    { snapshot = false, items = false }: TransactionOptions,
  ): Promise<T> {
    const begin = snapshot ? 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY' : 'BEGIN';
    const client = await guard(() => pool.connect());
    let broken: Error | undefined;
    try {
      const limited = kind === 'server' && currentRequest() !== null;
      await guard(() =>
        client.query(limited ? `${begin}; SET LOCAL statement_timeout = ${limits.writeMs}` : begin),
      );
      if (items && distributed)
        await guard(() => client.query(`SELECT pg_advisory_xact_lock(${ITEMS_LOCK})`));
      const result = await work(queryable(client, distributed, guard));
      await guard(() => client.query('COMMIT'));
      return result;
    } catch (error) {
      await client.query('ROLLBACK').catch((rollback: Error) => {
        broken = rollback;
      });
      throw error;
    } finally {
      client.release(broken);
    }
  }
  return {
    kind,
    applied,
    pool,
    prisma,
    replicas,
    ...queryable(pool, distributed, guard),
    transaction: (work, options = {}) =>
      options.repeat ? repeatConflicts(() => transaction(work, options)) : transaction(work, options),
    async session(work) {
      const client = await outsideRequest(() => guard(() => pool.connect()));
      let failed = true;
      try {
        const result = await work(queryable(client, distributed, guard));
        failed = false;
        return result;
      } finally {
        client.release(failed);
      }
    },
    async close() {
      await prisma.$disconnect();
      await Promise.all([pool.end(), replicas?.close()]);
    },
  };
}

/** Prisma's client, whose calls are guarded as all others are. */
type CatalogPrisma = ReturnType<typeof createPrisma>;

function createPrisma(pool: pg.Pool, guard: Guard) {
  return new PrismaClient({ adapter: new PrismaPg(pool) }).$extends({
    query: {
      $allOperations: ({ args, query: statement }) => guard(() => timeStage('sql', () => statement(args))),
    },
  });
}

function queryable(on: pg.Pool | pg.PoolClient, distributed: boolean, guard: Guard): Queryable {
  return {
    distributed,
    run: (text, values = []) =>
      guard(async () => (await query(on, { ...prepared(text, distributed), values: [...values] })).rows),
    runOnce: (text, values = []) =>
      guard(
        async () =>
          (await query(on, { text: distributed ? text : withoutHomes(text), values: [...values] })).rows,
      ),
  };
}

function query(on: pg.Pool | pg.PoolClient, config: pg.QueryConfig): Promise<pg.QueryResult> {
  return timeStage('sql', () => on.query(config));
}

interface Prepared {
  readonly name: string;
  readonly text: string;
}

const known = { plain: new Map<string, Prepared>(), distributed: new Map<string, Prepared>() };

/** A recurring statement as it is sent, with the name under which a connection prepares it. */
function prepared(statement: string, distributed: boolean): Prepared {
  const ofKind = known[distributed ? 'distributed' : 'plain'];
  let found = ofKind.get(statement);
  if (found === undefined) {
    const text = distributed ? statement : withoutHomes(statement);
    found = { text, name: `cs_${createHash('sha256').update(text).digest('base64url').slice(0, 16)}` };
    ofKind.set(statement, found);
  }
  return found;
}
