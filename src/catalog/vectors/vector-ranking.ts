import type { ItemFilter } from '../../domain/filter.js';
import { type Modality, otherModality } from '../../domain/modality.js';
import { filterSql, type Parameters } from './filter-sql.js';
import type { IndexedType, VectorTable } from './vector-tables.js';

/**
 * The SELECTs that rank items by closeness. Stored vectors and queries are of unit length, so that `<#>`, the negative
 * inner product, orders like cosine distance at a third of the cost. A row: `id`, `d` (negative similarity).
 *
 * The distance is computed in a subquery and named, as Postgres would otherwise compute it twice for each row: once to
 * show and once to sort by.
 */

/** A leaf partition to search, and whether through its index (never then every row is compared). */
export interface Source {
  readonly table: VectorTable;
  readonly through: IndexedType | null;
}

/** Ranks the rows of one or two partitions by their own vectors. */
export function ownSql(
  sources: readonly Source[],
  vector: string,
  filter: ItemFilter | null,
  limit: number,
  offset: number,
  parameters: Parameters,
): string {
  const depth = parameters.add(limit + offset);
  const parts = sources.map((source) => sourceSql(source, vector, filter, depth, parameters));
  const all =
    parts.length === 1 ? (parts[0] as string) : parts.map((part) => `(${part})`).join(' UNION ALL ');
  return `SELECT id, d FROM (${all}) s ORDER BY d, id LIMIT ${parameters.add(limit)} OFFSET ${parameters.add(offset)}`;
}

function sourceSql(
  { table, through }: Source,
  vector: string,
  filter: ItemFilter | null,
  depth: string,
  parameters: Parameters,
): string {
  if (through !== null) {
    // A subquery that yields one value cannot be turned into a join, which would make the planner forgo the index.
    const where =
      filter === null
        ? ''
        : `WHERE (SELECT ${filterSql(filter, parameters)} FROM item i WHERE i.id = v.item_id)`;
    // The index is walked in roughly the right order (relaxed_order) and may hold halves: exact distances sort it out.
    return `SELECT item_id AS id, vec <#> ${vector} AS d FROM (
      SELECT v.item_id, v.vec FROM ${table.name} v ${where}
      ORDER BY (v.vec::${through}) <#> ${vector}::${through} LIMIT ${depth}) c`;
  }
  const from =
    filter === null ? '' : `JOIN item i ON i.id = v.item_id WHERE ${filterSql(filter, parameters)}`;
  return `SELECT v.item_id AS id, v.vec <#> ${vector} AS d FROM ${table.name} v ${from} ORDER BY d, id LIMIT ${depth}`;
}

/**
 * Ranks the items of the other modality by the best of their counterparts' features, looking at the `near` closest
 * features only. Each row also tells how many there were (`near`) and how far they reached (`reach`): an item not found
 * has no counterpart closer than that.
 */
export function nearCounterpartSql(
  source: Source,
  vector: string,
  queryModality: Modality,
  filter: ItemFilter | null,
  near: number,
  limit: number,
  parameters: Parameters,
): string {
  const nearest = sourceSql(source, vector, null, parameters.add(near), parameters);
  return `WITH near AS MATERIALIZED (${nearest}), reach AS MATERIALIZED (SELECT count(*)::int AS near, max(d) AS reach FROM near)
    SELECT id, d, near, reach FROM (
      SELECT i.id, min(near.d) AS d
      FROM near JOIN item q ON q.id = near.id
        JOIN item i ON i.pair_id = q.pair_id AND i.modality = '${otherModality(queryModality)}'
      WHERE ${filterSql(filter, parameters)} GROUP BY i.id) s, reach
    ORDER BY d, id LIMIT ${parameters.add(limit)}`;
}

/** The same with every feature compared, of those items that the filter lets through. */
export function everyCounterpartSql(
  table: VectorTable,
  vector: string,
  queryModality: Modality,
  filter: ItemFilter | null,
  limit: number,
  parameters: Parameters,
): string {
  return `SELECT id, d FROM (
      SELECT i.id, min(v.vec <#> ${vector}) AS d
      FROM item i
        JOIN item q ON q.pair_id = i.pair_id AND q.modality = '${queryModality}'
        JOIN ${table.name} v ON v.item_id = q.id
      WHERE i.modality = '${otherModality(queryModality)}' AND ${filterSql(filter, parameters)} GROUP BY i.id) s
    ORDER BY d, id LIMIT ${parameters.add(limit)}`;
}
