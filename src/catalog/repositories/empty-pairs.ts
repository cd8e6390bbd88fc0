import type { Database, Queryable } from '../postgres/database.js';
import { locking } from '../postgres/homes.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/** Pairs that one statement sweeps. */
const SWEPT_AT_ONCE = 1_000;

/** Deletes the pairs without an item that were stored before a time. @returns how many */
export async function sweepEmptyPairs(db: Database, before: Date): Promise<number> {
  let swept = 0;
  for (let after: string | null = null; ; ) {
    const rows: { id: string }[] = await db.run<{ id: string }>(
      `SELECT p.id FROM pair p WHERE p.created_at < $1 AND ($2::uuid IS NULL OR p.id > $2::uuid)
         AND NOT EXISTS (SELECT 1 FROM item i WHERE i.pair_id = p.id AND i.home = p.home) ORDER BY p.id LIMIT ${SWEPT_AT_ONCE}`,
      [before.toISOString(), after],
    );
    after = rows.at(-1)?.id ?? null;
    if (after === null) return swept;
    swept += await deleteEmptyPairs(
      db,
      rows.map((row) => row.id),
    );
  }
}

/**
 * Deletes those of the pairs that have no item. Writers hold a lock on the pairs of the items they write. This waits for them,
 * and then looks for items in a new snapshot; otherwise it could delete a pair that an item has just joined. It runs in a
 * transaction without locks on items, because writers lock pairs before items; see conflicts.ts.
 *
 * @returns how many
 */
export async function deleteEmptyPairs(db: Database, pairIds: readonly string[]): Promise<number> {
  if (pairIds.length === 0) return 0;
  const pairs = [encodeUuidArray([...new Set(pairIds)])];
  const inTransaction = async (tx: Queryable) => {
    const lock = locking(tx, 'FOR UPDATE');
    await tx.run(`SELECT 1 FROM pair WHERE id = ANY($1::uuid[]) ORDER BY key ${lock}`, pairs);
    const deleted = await tx.run(
      `DELETE FROM pair p WHERE p.id = ANY($1::uuid[])
         AND NOT EXISTS (SELECT 1 FROM item i WHERE i.pair_id = p.id AND i.home = p.home) RETURNING p.id`,
      pairs,
    );
    return deleted.length;
  };
  return await db.transaction(inTransaction, { repeat: true, items: true });
}
