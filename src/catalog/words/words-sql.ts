import type { ExpandedWords, WordsQuery } from '../types.js';
import { filterSql, Parameters } from '../vectors/filter-sql.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/**
 * The SQL that compares items with the units of a query. A group is a pair, or an item without one: the members of a group
 * share their words. Gains are whole numbers, so that sums do not depend on their order.
 */

export interface Statement {
  readonly text: string;
  readonly values: readonly unknown[];
}

/** Items of one form that are read at most, however frequent it is by now. */
const MOST_ROWS_OF_FORM = 20_000;
/** Candidates are looked for by the rarest forms until these have this many items by the last count. */
const CANDIDATE_ROWS = 10_000;

export interface Forms {
  /** Whether each form generates candidates. */
  readonly generates: readonly boolean[];
  /** Indices of the units. */
  readonly units: readonly number[];
  readonly queries: readonly string[];
  readonly gains: readonly number[];
  /** The sum of the units' weights, which a whole match gains. */
  readonly total: number;
}

export function formsOf({ units }: ExpandedWords): Forms {
  const forms = units.flatMap(({ matches, weight }, unit) =>
    matches.map(({ tsquery, similarity, documents }) => ({
      unit,
      tsquery,
      documents,
      gain: Math.round(weight * similarity),
    })),
  );
  const generating = new Set<(typeof forms)[number]>();
  let rows = 0;
  for (const form of [...forms].sort((a, b) => a.documents - b.documents)) {
    if (rows > 0 && rows + form.documents > CANDIDATE_ROWS) break;
    generating.add(form);
    rows += form.documents;
  }
  return {
    generates: forms.map((form) => generating.has(form)),
    units: forms.map(({ unit }) => unit),
    queries: forms.map(({ tsquery }) => tsquery),
    gains: forms.map(({ gain }) => gain),
    total: units.reduce((sum, { weight }) => sum + weight, 0),
  };
}

/** Rows of `id` and `gain`, by the forms that generate candidates alone. */
export function candidates(forms: Forms, { target, filter, limit }: WordsQuery): Statement {
  const parameters = new Parameters();
  const used = forms.generates.flatMap((generates, i) => (generates ? [i] : []));
  const pick = <T>(values: readonly T[]) => used.map((i) => values[i]);
  const form = `unnest(${parameters.add(pick(forms.units))}::int[], ${parameters.add(pick(forms.queries))}::text[],
      ${parameters.add(pick(forms.gains))}::int[]) AS f (unit, query, gain)`;
  const modality = target === null ? '' : `AND i.modality = ${parameters.add(target)}::modality`;
  const condition = `${filterSql(filter, parameters)} ${modality}`;
  const text = `
    WITH best AS (
      SELECT m.pair_id, CASE WHEN m.pair_id IS NULL THEN m.id END AS item_id, f.unit, max(f.gain) AS gain
      FROM ${form} CROSS JOIN LATERAL (
        SELECT i.id, i.pair_id FROM item i WHERE i.lexemes @@ f.query::tsquery LIMIT ${MOST_ROWS_OF_FORM}) m
      GROUP BY 1, 2, 3),
    groups AS MATERIALIZED (SELECT pair_id, item_id, sum(gain)::int AS gain FROM best GROUP BY 1, 2)
    SELECT id, gain FROM (
      SELECT i.id, g.gain FROM groups g JOIN item i ON i.pair_id = g.pair_id WHERE ${condition}
      UNION ALL
      SELECT i.id, g.gain FROM groups g JOIN item i ON i.id = g.item_id WHERE ${condition}) s
    ORDER BY gain DESC, id LIMIT ${parameters.add(limit)}`;
  return { text, values: parameters.values };
}

/** Rows of `id` and `gain` for those of these items that have words. */
export function gains(forms: Forms, ids: readonly string[]): Statement {
  const units = [...new Set(forms.units)];
  const any = units.map((unit) => forms.queries.filter((_, i) => forms.units[i] === unit).join(' | '));
  const text = `
    WITH unit AS MATERIALIZED (
      SELECT u.unit, u.query::tsquery FROM unnest($2::int[], $3::text[]) AS u (unit, query)),
    form AS MATERIALIZED (
      SELECT f.unit, f.query::tsquery, f.gain FROM unnest($4::int[], $5::text[], $6::int[]) AS f (unit, query, gain)),
    member AS (
      SELECT i.id, m.lexemes FROM item i JOIN item m ON m.pair_id = i.pair_id WHERE i.id = ANY($1::uuid[])
      UNION ALL
      SELECT i.id, i.lexemes FROM item i WHERE i.id = ANY($1::uuid[]) AND i.pair_id IS NULL),
    worded AS MATERIALIZED (SELECT id, lexemes FROM member WHERE lexemes <> ''),
    best AS (
      SELECT w.id, u.unit, max(f.gain) AS gain
      FROM worded w JOIN unit u ON w.lexemes @@ u.query JOIN form f ON f.unit = u.unit AND w.lexemes @@ f.query
      GROUP BY 1, 2),
    total AS (SELECT id, sum(gain)::int AS gain FROM best GROUP BY 1)
    SELECT id, COALESCE(t.gain, 0) AS gain FROM (SELECT DISTINCT id FROM worded) w LEFT JOIN total t USING (id)`;
  return {
    text,
    values: [encodeUuidArray(ids), units, any, forms.units, forms.queries, forms.gains],
  };
}
