import type { Queryable } from '../postgres/database.js';
import type { ClassRow, ItemRow } from '../types.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from './rows.js';

/** The items that exist, in the order of the ids. */
export async function itemsByIds(on: Queryable, ids: readonly string[]): Promise<ItemRow[]> {
  const rows = await on.run<StoredItem>(
    `SELECT ${ITEM_COLUMNS} FROM unnest($1::uuid[]) WITH ORDINALITY AS w (id, position) JOIN item i ON i.id = w.id
     ORDER BY w.position`,
    [encodeUuidArray(ids)],
  );
  return rows.map(itemRow);
}

/** The classes of each item, by name; an entry for every given id. */
export async function classesOf(on: Queryable, itemIds: readonly string[]): Promise<Map<string, ClassRow[]>> {
  const rows = await on.run<ClassRow & { of: string }>(
    `SELECT ic.item_id AS of, c.id, c.name, c.description FROM item_class ic JOIN class c ON c.id = ic.class_id
     WHERE ic.item_id = ANY($1::uuid[]) ORDER BY c.name`,
    [encodeUuidArray(itemIds)],
  );
  return grouped(itemIds, rows, ({ id, name, description }) => ({ id, name, description }));
}

function grouped<Row extends { of: string }, T>(
  keys: readonly string[],
  rows: readonly Row[],
  value: (row: Row) => T,
): Map<string, T[]> {
  const groups = new Map<string, T[]>(keys.map((key) => [key, []]));
  for (const row of rows) groups.get(row.of)?.push(value(row));
  return groups;
}
