import type { Database } from '../postgres/database.js';
import { classesOf, type ShownItem } from '../repositories/item-reads.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from '../repositories/rows.js';

/** All items in this process's memory. */
export interface ItemCopy {
  readonly kind: 'items';
  readonly byId: ReadonlyMap<string, ShownItem>;
}

const MOST_ITEMS = 16_384;
/** Bytes of their texts and metadata as stored. */
const MOST_BYTES = 8 * 1024 * 1024;
/** Items in one statement: so few that nobody waits long for them to be read. */
const ITEMS_AT_ONCE = 256;

/** All items; null where they are too many or too large. */
export async function readItemCopy(db: Database, signal: AbortSignal): Promise<ItemCopy | null> {
  const [size] = await db.run<{ items: number; bytes: string | null }>(
    `SELECT count(*)::int AS items, sum(COALESCE(pg_column_size(text), 0) + pg_column_size(metadata)) AS bytes
     FROM (SELECT text, metadata FROM item LIMIT $1) i`,
    [MOST_ITEMS + 1],
  );
  if (!size || size.items > MOST_ITEMS || Number(size.bytes) > MOST_BYTES) return null;
  const byId = new Map<string, ShownItem>();
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await db.run<StoredItem>(
      `SELECT ${ITEM_COLUMNS} FROM item i WHERE i.id > $1::uuid ORDER BY i.id LIMIT $2`,
      [after, ITEMS_AT_ONCE],
    );
    const ids = rows.map(({ id }) => id);
    const classes = await classesOf(db, ids);
    signal.throwIfAborted();
    for (const row of rows) byId.set(row.id, { item: itemRow(row), classes: classes.get(row.id) ?? [] });
    const last = ids.at(-1);
    if (last === undefined || ids.length < ITEMS_AT_ONCE) return { kind: 'items', byId };
    after = last;
  }
}
