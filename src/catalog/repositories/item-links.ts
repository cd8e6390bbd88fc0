import { v5 as uuidv5, v7 as uuidv7 } from 'uuid';
import type { Queryable } from '../postgres/database.js';
import { homeOf, locking } from '../postgres/homes.js';
import { encodeHomes, encodeUuidArray } from '../vectors/vector-codec.js';

/** Attempts to insert pairs and classes, which concurrent deletions remove. */
const ATTEMPTS = 5;

/**
 * Namespace of pair ids. A pair's id is derived from its key, and the split into training and held-out pairs from the ids,
 * so the same items are split the same way in every catalogue.
 */
const PAIRS = '5d0f6ad2-9c1e-4f0b-8d6c-3b7a1c2e4f90';

/** Ids by key; missing pairs are inserted. The pairs are locked against deletion until the transaction ends. */
export async function ensurePairs(
  tx: Queryable,
  pairKeys: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const keys = distinct(pairKeys);
  if (keys.length === 0) return new Map();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const rows = await tx.run<{ id: string; key: string }>(
      `SELECT id, key FROM pair WHERE key = ANY($1::text[]) ORDER BY key ${locking(tx, 'FOR KEY SHARE')}`,
      [keys],
    );
    if (rows.length === keys.length) return new Map(rows.map((row) => [row.key, row.id]));
    const known = new Set(rows.map((row) => row.key));
    const missing = keys.filter((key) => !known.has(key)).map((key) => ({ key, id: uuidv5(key, PAIRS) }));
    await tx.run(
      `INSERT INTO pair (id, home, key) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[]) ON CONFLICT DO NOTHING`,
      [
        encodeUuidArray(missing.map(({ id }) => id)),
        encodeHomes(missing.map(({ id }) => homeOf(tx, id, id))),
        missing.map(({ key }) => key),
      ],
    );
  }
  throw new Error('pairs were deleted as often as they were inserted');
}

/**
 * Ids by name; missing classes are inserted. The classes are locked against deletion and renaming until the transaction ends.
 */
export async function ensureClasses(
  tx: Queryable,
  classNames: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const names = distinct(classNames);
  if (names.length === 0) return new Map();
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const rows = await tx.run<{ id: string; name: string }>(
      `SELECT id, name FROM class WHERE name = ANY($1::text[]) ORDER BY name FOR KEY SHARE`,
      [names],
    );
    if (rows.length === names.length) return new Map(rows.map((row) => [row.name, row.id]));
    const known = new Set(rows.map((row) => row.name));
    const missing = names.filter((name) => !known.has(name));
    await tx.run(
      `INSERT INTO class (id, name) SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT (name) DO NOTHING`,
      [encodeUuidArray(missing.map(() => uuidv7())), missing],
    );
  }
  throw new Error('classes were deleted as often as they were inserted');
}

/** Sorted, so that concurrent writers lock rows in the same order. */
export function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort();
}
