import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import { type Migration, readMigrations, statementsOf } from './migrations.js';

/** The advisory lock of Prisma's tool, so that the two never migrate at the same time. */
const PRISMA_ADVISORY_LOCK = 72707369;

/**
 * A migration waits for this time for a lock, because statements of servers that run wait behind it, and then begins again. It is shorter than
 * the default of `deadlock_timeout`, so that the server ends no writer for a migration.
 */
const LOCK_TIMEOUT_MS = 500;
/** For transactions that write. Only writers wait behind it. */
const WRITERS_TIMEOUT_MS = 2_000;
/** For statements that read. It is short, because the waits for several tables add up. */
const READERS_TIMEOUT_MS = 200;
const LOCK_PAUSE_MS = 500;
/** For about ten minutes. */
const LOCK_ATTEMPTS = 500;
/** Tables in the order in which transactions use them; see conflicts.ts. A migration that uses them in another order can wait for writers that wait for it. */
const USED_IN_ORDER = [
  'encoder',
  'media',
  'pair',
  'class',
  'item',
  'item_class',
  'class_feature',
  'feature',
  'embedding',
];
/** lock_not_available, deadlock_detected */
const LOCKED: ReadonlySet<unknown> = new Set(['55P03', '40P01']);

/** As Prisma's tool creates it. */
const MIGRATIONS_TABLE = `CREATE TABLE IF NOT EXISTS "_prisma_migrations" (
  "id" VARCHAR(36) PRIMARY KEY NOT NULL,
  "checksum" VARCHAR(64) NOT NULL,
  "finished_at" TIMESTAMPTZ,
  "migration_name" VARCHAR(255) NOT NULL,
  "logs" TEXT,
  "rolled_back_at" TIMESTAMPTZ,
  "started_at" TIMESTAMPTZ NOT NULL DEFAULT now(),
  "applied_steps_count" INTEGER NOT NULL DEFAULT 0
)`;

interface Applied {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

/**
 * Applies the missing migrations in order, each in a transaction, and records them as `prisma migrate deploy` does. If several
 * servers start at once, one migrates and the others wait. Servers of the release before may run meanwhile.
 *
 * @returns the names of the migrations that were applied now.
 * @throws CommonspaceError MIGRATION_FAILED if one fails, was changed after it was applied, is half-applied, or is of
 * a newer version than this one.
 */
export async function migrate(client: pg.ClientBase, folder?: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  await client.query('SELECT pg_advisory_lock($1)', [PRISMA_ADVISORY_LOCK]);
  try {
    await client.query(MIGRATIONS_TABLE);
    const { rows } = await client.query<Applied>(
      `SELECT migration_name, checksum, finished_at FROM "_prisma_migrations" WHERE rolled_back_at IS NULL`,
    );
    const applied = new Map(rows.map((row) => [row.migration_name, row]));
    refuseWhatDoesNotFit(migrations, applied);
    const missing = migrations.filter((migration) => !applied.has(migration.name));
    for (const migration of missing) await apply(client, migration);
    return missing.map((migration) => migration.name);
  } finally {
    await client.query('SELECT pg_advisory_unlock($1)', [PRISMA_ADVISORY_LOCK]);
  }
}

function refuseWhatDoesNotFit(migrations: readonly Migration[], applied: ReadonlyMap<string, Applied>): void {
  const known = new Map(migrations.map((migration) => [migration.name, migration]));
  for (const row of applied.values()) {
    const migration = known.get(row.migration_name);
    if (row.finished_at === null) {
      throw failed(row.migration_name, 'was begun and not finished; repair it with "prisma migrate resolve"');
    }
    if (!migration)
      throw failed(
        row.migration_name,
        'is in the database and unknown here: the database is of a newer version',
      );
    if (row.checksum !== migration.checksum && row.checksum !== migration.otherChecksum) {
      throw failed(row.migration_name, 'was changed after it was applied');
    }
  }
}

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await applyOnce(client, migration, attempt > 1);
      return;
    } catch (error) {
      if (!LOCKED.has((error as { code?: unknown }).code) || attempt === LOCK_ATTEMPTS) {
        const why = error instanceof Error ? error.message : error;
        throw failed(migration.name, `failed and was rolled back: ${why}`, error);
      }
      await setTimeout(LOCK_PAUSE_MS * (1 + Math.random()));
    }
  }
}

/**
 * Locks all tables. Writers are kept out first, in the order in which they use the tables, and those that have begun end. Then only statements that
 * read are to end, which are short: readers use the tables in different orders, so one can come in between, and then this fails.
 */
async function lockTables(client: pg.ClientBase): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT name FROM unnest($1::text[]) WITH ORDINALITY AS u (name, place) WHERE to_regclass('public.' || name) IS NOT NULL ORDER BY place`,
    [USED_IN_ORDER],
  );
  const tables = rows.map(({ name }) => `"${name}"`).join(', ');
  if (tables === '') return;
  await client.query(`SET LOCAL lock_timeout = ${WRITERS_TIMEOUT_MS}`);
  await client.query(`LOCK TABLE ${tables} IN SHARE ROW EXCLUSIVE MODE`);
  await client.query(`SET LOCAL lock_timeout = ${READERS_TIMEOUT_MS}`);
  await client.query(`LOCK TABLE ${tables} IN ACCESS EXCLUSIVE MODE`);
  await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
}

/** @param locksFirst whether to lock all tables before, in the order of writers */
async function applyOnce(client: pg.ClientBase, migration: Migration, locksFirst: boolean): Promise<void> {
  await client.query('BEGIN');
  try {
    await client.query(`SET LOCAL lock_timeout = ${LOCK_TIMEOUT_MS}`);
    if (locksFirst) await lockTables(client);
    // clock_timestamp(), because now() is the same in the whole transaction.
    const id = randomUUID();
    await client.query(
      `INSERT INTO "_prisma_migrations" (id, checksum, migration_name, started_at) VALUES ($1, $2, $3, clock_timestamp())`,
      [id, migration.checksum, migration.name],
    );
    // One by one: the coordinator of a distributed database repeats each on its nodes.
    for (const statement of statementsOf(migration.sql)) await client.query(statement);
    await client.query(
      `UPDATE "_prisma_migrations" SET finished_at = clock_timestamp(), applied_steps_count = 1 WHERE id = $1`,
      [id],
    );
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK');
    throw error;
  }
}

function failed(name: string, why: string, cause?: unknown): CommonspaceError {
  return new CommonspaceError('MIGRATION_FAILED', `Migration ${name} ${why}.`, [], { cause });
}
