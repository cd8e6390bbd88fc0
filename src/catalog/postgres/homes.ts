import type { Queryable } from './database.js';

/**
 * The home of a row decides the shard that stores it on a distributed database: of items in a pair it is the pair's id, of others their own, and what
 * belongs to an item or a pair has its home. So all of them are joined on one node, where a statement compares their homes. Anywhere else
 * homes are null, and not compared. See docs/decisions/0043-homes.md.
 */

/** The home of an item; null on a database that is not distributed. */
export function homeOf(on: Queryable, itemId: string, pairId: string | null): string | null {
  return on.distributed ? (pairId ?? itemId) : null;
}

/** The homes of those items that exist, by id in lower case; on a database that is not distributed, null for each id. */
export async function homesOf(
  on: Queryable,
  itemIds: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  if (!on.distributed) return new Map(itemIds.map((id) => [id.toLowerCase(), null]));
  if (itemIds.length === 0) return new Map();
  const rows = await on.run<{ id: string; home: string }>(
    'SELECT id, home FROM item WHERE id = ANY($1::uuid[])',
    [[...itemIds]],
  );
  return new Map(rows.map(({ id, home }) => [id, home]));
}

/**
 * A lock on rows, for the end of a SELECT. None on a distributed database: Citus refuses locks on rows of several shards, and transactions that write
 * items take turns there.
 */
export function locking(on: Queryable, lock: string): string {
  return on.distributed ? '' : lock;
}

/** The columns of a unique key of a table with homes, for ON CONFLICT: on a distributed database keys have the home, which decides the shard. */
export function keyOf(on: Queryable, columns: string): string {
  return on.distributed ? `${columns}, home` : columns;
}
