import type { ItemFilter } from '../../domain/filter.js';
import { type Modality, otherModality } from '../../domain/modality.js';
import { filterSql, groupedFilterSql, joinedClasses, Parameters } from './filter-sql.js';
import { encodeUuidArray, encodeVector } from './vector-codec.js';
import { type IndexedType, isOfEncoder, type VectorPartition } from './vector-partitions.js';

/**
 * The only SQL that ranks. Stored vectors and queries are of unit length, so `<#>`, the negative inner product, orders like
 * cosine distance at a third of the cost. A row has `id` and `d`, the negative similarity.
 *
 * The sort is by the name of the distance. By the expression, Postgres would compute it twice for each row: to return it and to sort.
 */

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** A leaf partition to search, and the index to search it by; null compares every row. */
export interface Source {
  readonly name: string;
  readonly through: IndexedType | null;
}

export interface OwnRanking {
  /** Of unit length. */
  readonly vector: Float32Array;
  readonly filter: ItemFilter | null;
  readonly limit: number;
  readonly offset: number;
}

export interface CounterpartRanking {
  /** Of unit length. */
  readonly vector: Float32Array;
  /** Modality of the features; items of the other one are ranked. */
  readonly queryModality: Modality;
  readonly filter: ItemFilter | null;
  readonly limit: number;
}

/** Ranks the items of one or two partitions by their own vectors. The rows of an index scan are in approximate order. */
export function ownRanking(
  sources: readonly Source[],
  { vector, filter, limit, offset }: OwnRanking,
): Statement {
  const parameters = new Parameters();
  const query = `${parameters.add(encodeVector(vector))}::vector`;
  const depth = parameters.add(limit + offset);
  const parts = sources.map((source) => {
    const where = filter === null ? null : ownFilter(source, filter, parameters);
    return nearestRows(source, query, where, depth);
  });
  const [only] = parts;
  // Without a statement around it, because Citus stores the rows of a subquery, in a transaction of all nodes.
  if (parts.length === 1 && only !== undefined && offset === 0)
    return { text: only, values: parameters.values };
  const text = `SELECT id, d FROM (${parts.map((part) => `(${part})`).join(' UNION ALL ')}) s
    ORDER BY d, id LIMIT ${parameters.add(limit)} OFFSET ${parameters.add(offset)}`;
  return { text, values: parameters.values };
}

/**
 * Ranks items by the best of their counterparts' features, among the `depth` closest features only. With a filter these are
 * the closest features that have a counterpart that matches. Each row also has the number of features compared (`near`) and
 * the largest distance among them (`reach`): an item that is not returned has no counterpart closer than `reach`.
 */
export function nearCounterpartRanking(source: Source, query: CounterpartRanking, depth: number): Statement {
  const parameters = new Parameters();
  const nearest = nearestFeaturesSql(source, query, depth, parameters);
  const text = `WITH near AS MATERIALIZED (${nearest}),
      reach AS MATERIALIZED (SELECT count(*)::int AS near, max(d) AS reach FROM near)
    SELECT id, d, near, reach FROM (
      SELECT i.id, min(near.d) AS d
      FROM near JOIN (${counterpartsOf(query)}) ON q.id = near.id
      WHERE ${filterSql(query.filter, parameters)} GROUP BY i.id, i.home) s, reach
    ORDER BY d, id LIMIT ${parameters.add(query.limit)}`;
  return { text, values: parameters.values };
}

/** The first step of nearCounterpartRanking alone: the closest features, by the items that have them. */
export function nearestFeatures(source: Source, query: CounterpartRanking, depth: number): Statement {
  const parameters = new Parameters();
  return { text: nearestFeaturesSql(source, query, depth, parameters), values: parameters.values };
}

/** The second step: the items to rank whose counterparts are given, as `id` and `of`, the counterpart's id. */
export function itemsOfCounterparts(ids: readonly string[], query: CounterpartRanking): Statement {
  const parameters = new Parameters();
  const text = `SELECT i.id, q.id AS of FROM ${counterpartsOf(query)}
    WHERE q.id = ANY(${parameters.add(encodeUuidArray(ids))}::uuid[]) AND ${filterSql(query.filter, parameters)}`;
  return { text, values: parameters.values };
}

/** Items `q` that have features, and the items `i` to rank. */
function counterpartsOf({ queryModality }: CounterpartRanking): string {
  return `item q JOIN item i ON i.pair_id = q.pair_id AND i.home = q.home AND i.modality = '${otherModality(queryModality)}'`;
}

function nearestFeaturesSql(
  source: Source,
  query: CounterpartRanking,
  depth: number,
  parameters: Parameters,
): string {
  const { vector, filter } = query;
  const placeholder = `${parameters.add(encodeVector(vector))}::vector`;
  // A scalar subquery, as in ownFilter.
  const matches =
    filter === null
      ? null
      : `WHERE (SELECT true FROM ${counterpartsOf(query)} ${joinedClasses(filter)} WHERE q.id = v.item_id AND q.home = v.home
          GROUP BY i.id, i.home HAVING ${groupedFilterSql(filter, parameters)} LIMIT 1)`;
  return nearestRows(source, placeholder, matches, parameters.add(depth));
}

/** Ranks items by the best of their counterparts' features, comparing the features of all items that match the filter. */
export function everyCounterpartRanking(
  partition: VectorPartition,
  { vector, queryModality, filter, limit }: CounterpartRanking,
): Statement {
  const parameters = new Parameters();
  const query = `${parameters.add(encodeVector(vector))}::vector`;
  const text = `SELECT i.id, min(v.vec <#> ${query}) AS d
    FROM item i
      JOIN item q ON q.pair_id = i.pair_id AND q.home = i.home AND q.modality = '${queryModality}'
      JOIN ${partition.name} v ON v.item_id = q.id AND v.home = q.home
    WHERE i.modality = '${otherModality(queryModality)}' AND ${filterSql(filter, parameters)}
    GROUP BY i.id, i.home ORDER BY d, id LIMIT ${parameters.add(limit)}`;
  return { text, values: parameters.values };
}

export interface GivenItems {
  readonly ids: readonly string[];
  /** The encoder whose embeddings are compared; null if none are. */
  readonly content: { readonly encoderId: string; readonly vector: Float32Array } | null;
  readonly counterpart: {
    readonly partition: string;
    readonly vector: Float32Array;
    readonly queryModality: Modality;
  } | null;
}

/**
 * The distances of given items: rows of `id`, `d` and `kind`, which is `content` for that of their own embedding and `counterpart` for that of
 * the closest counterpart's feature.
 */
export function distancesOfItems({ ids, content, counterpart }: GivenItems): Statement {
  const parameters = new Parameters();
  const given = `${parameters.add(encodeUuidArray(ids))}::uuid[]`;
  const parts: string[] = [];
  if (content !== null) {
    parts.push(
      `SELECT 'content' AS kind, e.item_id AS id, e.vec <#> ${parameters.add(encodeVector(content.vector))}::vector AS d
       FROM embedding e WHERE e.item_id = ANY(${given}) AND ${isOfEncoder('e.encoder_id', content.encoderId)}`,
    );
  }
  if (counterpart !== null) {
    const distance = `v.vec <#> ${parameters.add(encodeVector(counterpart.vector))}::vector`;
    const { partition, queryModality } = counterpart;
    parts.push(
      // An item of the query's modality is its own counterpart.
      `SELECT 'counterpart' AS kind, i.id, ${distance} AS d FROM item i JOIN ${partition} v ON v.item_id = i.id AND v.home = i.home
       WHERE i.id = ANY(${given}) AND i.modality = '${queryModality}'`,
      `SELECT 'counterpart' AS kind, i.id, min(${distance}) AS d FROM item i
         JOIN item q ON q.pair_id = i.pair_id AND q.home = i.home AND q.modality = '${queryModality}'
         JOIN ${partition} v ON v.item_id = q.id AND v.home = q.home
       WHERE i.id = ANY(${given}) AND i.modality = '${otherModality(queryModality)}' GROUP BY i.id, i.home`,
    );
  }
  return { text: parts.join(' UNION ALL '), values: parameters.values };
}

/** The filter on the items that the vectors of a source belong to, between FROM and ORDER BY. */
function ownFilter({ through }: Source, filter: ItemFilter, parameters: Parameters): string {
  if (through === null)
    return `JOIN item i ON i.id = v.item_id AND i.home = v.home WHERE ${filterSql(filter, parameters)}`;
  // A scalar subquery cannot become a join, with which the planner would not use the index.
  const classes = joinedClasses(filter);
  const matches = groupedFilterSql(filter, parameters);
  return `WHERE (SELECT ${matches} FROM item i ${classes} WHERE i.id = v.item_id AND i.home = v.home ${classes && 'GROUP BY i.id, i.home'})`;
}

/** The rows `v` of one partition that are closest to the query, as `id` and `d`. `where` stands between FROM and ORDER BY. */
function nearestRows({ name, through }: Source, query: string, where: string | null, depth: string): string {
  const from = `${name} v ${where ?? ''}`;
  if (through === null) {
    return `SELECT v.item_id AS id, v.vec <#> ${query} AS d FROM ${from} ORDER BY d, id LIMIT ${depth}`;
  }
  // The index returns rows in approximate order (relaxed_order) and may hold halfvec: they are to be sorted by `d`, the exact distance.
  return `SELECT v.item_id AS id, v.vec <#> ${query} AS d FROM ${from}
    ORDER BY (v.vec::${through}) <#> ${query}::${through} LIMIT ${depth}`;
}
