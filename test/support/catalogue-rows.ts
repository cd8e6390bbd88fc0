import type { Catalog } from '../../src/catalog/catalog.js';

/** Tables that an archive has, with what is not part of it: the work on encoders, and what is made of other columns. */
const ARCHIVED: Readonly<Record<string, readonly string[]>> = {
  class: [],
  class_feature: [],
  embedding: ['home'],
  encoder: ['claim', 'owner', 'heartbeat_at', 'progress', 'removed_at'],
  encoder_evaluation: ['claim', 'owner', 'heartbeat_at'],
  encoder_weights: [],
  feature: ['home'],
  item: ['home'],
  item_class: ['home'],
  media: [],
  pair: ['home'],
};

/** Tables of a server, the course of its trainings, and what is made of other tables. */
const LEFT_OUT = [
  '_prisma_migrations',
  'api_key',
  'audit_entry',
  'budget_use',
  'encoder_epoch',
  'job',
  'job_failure',
  'server_secret',
  'word',
];

/** Every row that belongs to an archive, as text, by table. */
export async function archivedRows({ database }: Catalog): Promise<Record<string, readonly string[]>> {
  const found: Record<string, readonly string[]> = {};
  for (const [table, without] of Object.entries(ARCHIVED)) {
    // Bytes and vectors are text in JSON, with all their digits.
    const rows = await database.run<{ row: string }>(
      `SELECT (to_jsonb(t) - $1::text[])::text AS row FROM ${table} t`,
      [without],
    );
    found[table] = rows.map(({ row }) => row).sort();
  }
  return found;
}

/** Tables that are neither archived nor known to be left out. */
export async function unclassifiedTables({ database }: Catalog): Promise<string[]> {
  const rows = await database.run<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1`,
  );
  return rows.map(({ name }) => name).filter((name) => !(name in ARCHIVED) && !LEFT_OUT.includes(name));
}
