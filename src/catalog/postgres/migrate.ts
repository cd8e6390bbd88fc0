import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { CommonspaceError } from '../../domain/errors.js';
import { type Migration, readMigrations, statementsOf } from './migrations.js';

/** The advisory lock of Prisma's tool, so that the two never migrate at the same time. */
const PRISMA_ADVISORY_LOCK = 72707369;

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
 * servers start at once, one migrates and the others wait.
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
  await client.query('BEGIN');
  try {
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
    throw failed(
      migration.name,
      `failed and was rolled back: ${error instanceof Error ? error.message : error}`,
      error,
    );
  }
}

function failed(name: string, why: string, cause?: unknown): CommonspaceError {
  return new CommonspaceError('MIGRATION_FAILED', `Migration ${name} ${why}.`, [], { cause });
}
