import { createHash } from 'node:crypto';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import { PrismaClient } from '../../__generated__/prisma/client.js';

/** Something that runs SQL: the pool, or one connection inside a transaction. */
export interface Queryable {
  /**
   * Runs a statement whose text recurs: each connection prepares it once. Buffers among the values are sent in
   * Postgres's binary format (vector-codec.ts makes them), everything else as text.
   */
  run<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a statement whose text is made for the occasion. */
  runOnce<Row extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

export interface Database extends Queryable {
  readonly kind: 'embedded' | 'server';
  /** Names of the migrations that connecting applied. */
  readonly applied: readonly string[];
  readonly pool: pg.Pool;
  readonly prisma: PrismaClient;
  /** Runs the work on one connection, all of it or nothing. Inside, use `tx` alone: anything else would wait for it. */
  transaction<T>(work: (tx: Queryable) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** Rows that an HNSW scan looks at in one round; with iterative scans it goes on where a filter leaves too few. */
const HNSW_EF_SEARCH = 100;

/**
 * The embedded session outlives a connection, and with it the statements that a new one wants to prepare. Its pages are
 * in memory: an index costs no seek. An HNSW index is built several times as slowly once it does not fit the last.
 */
const EMBEDDED_SETTINGS = `DEALLOCATE ALL; SET random_page_cost = 1.1; SET maintenance_work_mem = '256MB'`;

/** The pool that raw SQL and Prisma share. */
export function createPool(
  kind: 'embedded' | 'server',
  config: pg.PoolConfig,
  onError: (error: Error) => void,
): pg.Pool {
  const pool = new pg.Pool({
    // PGlite is a single session, whose prepared statements all connections share: a second connection would clash with
    // the first one's names, and have to wait for it anyway. With one, the pool's queue keeps everybody apart.
    max: kind === 'embedded' ? 1 : 10,
    idleTimeoutMillis: kind === 'embedded' ? 0 : 30_000,
    keepAlive: true,
    application_name: 'commonspace',
    ...config,
    onConnect: async (client: pg.ClientBase) => {
      // Prisma's adapter reads every time as one in UTC, whatever zone the server writes it in.
      await client.query(
        `SET TIME ZONE 'UTC'; SET hnsw.iterative_scan = relaxed_order; SET hnsw.ef_search = ${HNSW_EF_SEARCH};
         ${kind === 'embedded' ? EMBEDDED_SETTINGS : ''}`,
      );
    },
  });
  // Without a listener, a connection that breaks while nobody uses it would end the process.
  pool.on('error', onError);
  return pool;
}

export function createDatabase(
  kind: 'embedded' | 'server',
  pool: pg.Pool,
  applied: readonly string[],
): Database {
  const prisma = new PrismaClient({ adapter: new PrismaPg(pool) });
  return {
    kind,
    applied,
    pool,
    prisma,
    ...queryable(pool),
    async transaction(work) {
      const client = await pool.connect();
      let broken: Error | undefined;
      try {
        await client.query('BEGIN');
        const result = await work(queryable(client));
        await client.query('COMMIT');
        return result;
      } catch (error) {
        await client.query('ROLLBACK').catch((rollback: Error) => {
          broken = rollback;
        });
        throw error;
      } finally {
        client.release(broken);
      }
    },
    async close() {
      await prisma.$disconnect();
      await pool.end();
    },
  };
}

function queryable(on: pg.Pool | pg.PoolClient): Queryable {
  return {
    run: async (text, values = []) =>
      (await on.query({ name: statementName(text), text, values: [...values] })).rows,
    runOnce: async (text, values = []) => (await on.query({ text, values: [...values] })).rows,
  };
}

const names = new Map<string, string>();

/** A name for a prepared statement: the same text always has the same one. */
function statementName(text: string): string {
  let name = names.get(text);
  if (name === undefined) {
    name = `cs_${createHash('sha256').update(text).digest('base64url').slice(0, 16)}`;
    names.set(text, name);
  }
  return name;
}
