import type { ItemFilter } from '../../domain/filter.js';
import type { ItemOrder, ItemPosition } from '../../domain/item-order.js';
import type { Queryable } from '../postgres/database.js';
import type { ItemRow } from '../types.js';
import { filterSql, Parameters } from '../vectors/filter-sql.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from './rows.js';

/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** The start of a title, which `item_title_idx` holds: a whole title can be longer than an index entry may be. */
const TITLE_START = 'left(i.title, 200)';

export interface OrderedPage {
  readonly filter: ItemFilter | null;
  readonly order: ItemOrder;
  /** The last item of the previous page; null for the first page. */
  readonly after: ItemPosition | null;
  readonly limit: number;
}

/** Matching items in an order. */
export async function orderedItems(on: Queryable, page: OrderedPage): Promise<ItemRow[]> {
  if (page.order.field === 'CREATED_AT') return await byCreation(on, page);
  const { after, limit } = page;
  const titled = after !== null && after.value === null ? [] : await byTitle(on, page);
  if (titled.length === limit) return titled;
  const afterId = after !== null && after.value === null ? after.id : null;
  return [...titled, ...(await untitled(on, { ...page, limit: limit - titled.length }, afterId))];
}

async function byCreation(on: Queryable, { filter, order, after, limit }: OrderedPage): Promise<ItemRow[]> {
  const { direction } = order;
  const parameters = new Parameters();
  const start =
    after?.value instanceof Date
      ? `(i.created_at, i.id) ${beyond(order)} (${parameters.add(after.value.toISOString())}::timestamptz, ${parameters.add(after.id)}::uuid)`
      : 'true';
  return await select(
    on,
    parameters,
    `${start} AND ${filterSql(filter, parameters)}`,
    `i.created_at ${direction}, i.id ${direction}`,
    limit,
  );
}

/** By the index on the start of the title, then by the rest of it. */
async function byTitle(on: Queryable, { filter, order, after, limit }: OrderedPage): Promise<ItemRow[]> {
  const { direction } = order;
  const parameters = new Parameters();
  let start = 'true';
  if (typeof after?.value === 'string') {
    const title = `${parameters.add(after.value)}::text`;
    start = `(${TITLE_START} COLLATE "C", i.title COLLATE "C", i.id) ${beyond(order)}
      (left(${title}, 200), ${title}, ${parameters.add(after.id)}::uuid)`;
  }
  return await select(
    on,
    parameters,
    `${TITLE_START} IS NOT NULL AND ${start} AND ${filterSql(filter, parameters)}`,
    `${TITLE_START} COLLATE "C" ${direction}, i.title COLLATE "C" ${direction}, i.id ${direction}`,
    limit,
  );
}

async function untitled(
  on: Queryable,
  { filter, order, limit }: OrderedPage,
  afterId: string | null,
): Promise<ItemRow[]> {
  const parameters = new Parameters();
  const start = afterId === null ? 'true' : `i.id ${beyond(order)} ${parameters.add(afterId)}::uuid`;
  return await select(
    on,
    parameters,
    `${TITLE_START} IS NULL AND ${start} AND ${filterSql(filter, parameters)}`,
    `${TITLE_START} COLLATE "C" ${order.direction}, i.id ${order.direction}`,
    limit,
  );
}

function beyond({ direction }: ItemOrder): '>' | '<' {
  return direction === 'ASC' ? '>' : '<';
}

async function select(
  on: Queryable,
  parameters: Parameters,
  where: string,
  order: string,
  limit: number,
): Promise<ItemRow[]> {
  const rows = await on.runOnce<StoredItem>(
    `SELECT ${ITEM_COLUMNS} FROM item i WHERE ${where} ORDER BY ${order} LIMIT ${parameters.add(limit)}`,
    parameters.values,
  );
  return rows.map(itemRow);
}

/** A page of the counterparts of one item. */
export interface CounterpartsOf {
  readonly itemId: string;
  /** The last id of the previous page; null for the first page. */
  readonly afterId: string | null;
  readonly limit: number;
}

/** The other items of each item's pair, by ascending id, one page for each of the given ones. */
export async function counterpartPages(
  on: Queryable,
  pages: readonly CounterpartsOf[],
): Promise<ItemRow[][]> {
  const rows = await on.run<StoredItem & { page: number }>(
    `SELECT * FROM (
       SELECT w.page::int, w.max, row_number() OVER (PARTITION BY w.page ORDER BY i.id) AS n, ${ITEM_COLUMNS}
       FROM unnest($1::uuid[], $2::uuid[], $3::int[]) WITH ORDINALITY AS w (id, after, max, page)
         JOIN item o ON o.id = w.id
         JOIN item i ON i.pair_id = o.pair_id AND i.home = o.home AND i.id <> o.id AND i.id > w.after) c
     WHERE n <= max ORDER BY page, id`,
    [
      encodeUuidArray(pages.map(({ itemId }) => itemId)),
      encodeUuidArray(pages.map(({ afterId }) => afterId ?? NIL)),
      pages.map(({ limit }) => limit),
    ],
  );
  const found = pages.map((): ItemRow[] => []);
  for (const row of rows) found[row.page - 1]?.push(itemRow(row));
  return found;
}

/** The number of other items in each item's pair; an entry for every given id. */
export async function countCounterparts(
  on: Queryable,
  itemIds: readonly string[],
): Promise<Map<string, number>> {
  const rows = await on.run<{ id: string; count: number }>(
    `SELECT o.id, count(*)::int AS count
     FROM item o JOIN item i ON i.pair_id = o.pair_id AND i.home = o.home AND i.id <> o.id
     WHERE o.id = ANY($1::uuid[]) GROUP BY o.id, o.home`,
    [encodeUuidArray(itemIds)],
  );
  const counts = new Map(rows.map(({ id, count }) => [id, count]));
  return new Map(itemIds.map((id) => [id, counts.get(id) ?? 0]));
}
