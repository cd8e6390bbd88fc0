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

/** Candidates are looked for by the rarest forms until these have this many items by the last count. */
const CANDIDATE_ROWS = 5_000;
/** Units of which conjunctions generate candidates, none that a fifth of the items have (such as «the»). */
const MOST_CONJUNCT = 6;
const LEAST_CONJUNCT_WEIGHT = 1_600_000;

interface Form {
  /** Index of the unit. */
  readonly unit: number;
  readonly query: string;
  readonly gain: number;
}

export interface Forms {
  readonly all: readonly Form[];
  /** Those that lead to candidates. */
  readonly generating: readonly Form[];
  /** Whether all do. */
  readonly complete: boolean;
  /** The sum of the units' weights without that of a title, which is gained beyond a whole match. */
  readonly total: number;
}

export function formsOf({ units }: ExpandedWords): Forms {
  const total = units.reduce((sum, { unit, weight }) => sum + (unit.kind === 'title' ? 0 : weight), 0);
  const forms = units.flatMap(({ matches, weight }, unit) =>
    matches.map(({ tsquery, similarity, documents }) => ({
      unit,
      query: tsquery,
      gain: Math.round(weight * similarity),
      documents,
    })),
  );
  const rarest = [...forms].sort((a, b) => a.documents - b.documents);
  const generating: Form[] = [];
  let rows = 0;
  for (const form of rarest) {
    if (rows > 0 && rows + form.documents > CANDIDATE_ROWS) break;
    generating.push(form);
    rows += form.documents;
  }
  const complete = generating.length === forms.length;
  if (complete) return { all: forms, generating, complete, total };
  return { all: forms, generating: [...generating, ...conjunctions(units, forms)], complete, total };
}

/**
 * Pseudo-units for items that have all units, or all but one: frequent words together are rare, and the index finds them
 * without reading the items of each.
 */
function conjunctions(units: ExpandedWords['units'], forms: readonly Form[]): Form[] {
  const telling = units.flatMap(({ unit: { kind }, weight }, unit) =>
    kind === 'title' || weight < LEAST_CONJUNCT_WEIGHT ? [] : [forms.filter((form) => form.unit === unit)],
  );
  const { length } = telling;
  if (length < 2 || length > MOST_CONJUNCT) return [];
  const sets = [telling, ...(length > 2 ? telling.map((_, left) => telling.toSpliced(left, 1)) : [])];
  return sets.map((set, i) => ({
    unit: units.length + i,
    query: set.map((unit) => `(${anyOf(unit)})`).join(' & '),
    gain: set.reduce((sum, unit) => sum + (unit[0]?.gain ?? 0), 0),
  }));
}

function anyOf(forms: readonly Form[]): string {
  return forms.map(({ query }) => query).join(' | ');
}

/**
 * Rows of `id` and `gain`, by the generating forms alone, for the items of the `groups` groups with the largest gains, and the
 * number of groups found. Null takes all groups.
 */
export function candidates(
  { generating }: Forms,
  { target, filter, limit }: WordsQuery,
  groups: number | null,
  distributed: boolean,
): Statement {
  const parameters = new Parameters();
  const found = (distributed ? byStatements : byList)(generating, parameters);
  const modality = target === null ? '' : `AND i.modality = ${parameters.add(target)}::modality`;
  const condition = `${filterSql(filter, parameters)} ${modality}`;
  const first = groups === null ? '' : `ORDER BY gain DESC, pair_id, item_id LIMIT ${parameters.add(groups)}`;
  const text = `
    WITH best AS (
      SELECT pair_id, CASE WHEN pair_id IS NULL THEN id END AS item_id, unit, max(gain) AS gain FROM (${found}) m
      GROUP BY 1, 2, 3),
    groups AS MATERIALIZED (
      SELECT pair_id, item_id, sum(gain) AS gain FROM best GROUP BY 1, 2 ${first})
    SELECT id, gain::int, (SELECT count(*)::int FROM groups) AS groups FROM (
      SELECT i.id, g.gain FROM groups g JOIN item i ON i.pair_id = g.pair_id WHERE ${condition}
      UNION ALL
      SELECT i.id, g.gain FROM groups g JOIN item i ON i.id = g.item_id WHERE ${condition}) s
    ORDER BY gain DESC, id LIMIT ${parameters.add(limit)}`;
  return { text, values: parameters.values };
}

/** Items that have one of the forms, as `id`, `pair_id`, `unit` and `gain`: at most CANDIDATE_ROWS of each. */
function byList(generating: readonly Form[], parameters: Parameters): string {
  return `SELECT m.id, m.pair_id, f.unit, f.gain
      FROM unnest(${parameters.add(generating.map(({ unit }) => unit))}::int[],
        ${parameters.add(generating.map(({ query }) => query))}::text[],
        ${parameters.add(generating.map(({ gain }) => gain))}::int[]) AS f (unit, query, gain)
      CROSS JOIN LATERAL (
        SELECT i.id, i.pair_id FROM item i WHERE i.lexemes @@ f.query::tsquery LIMIT ${CANDIDATE_ROWS}) m`;
}

/** The same rows on a distributed database: Citus sends no LIMIT within LATERAL to the nodes. */
function byStatements(generating: readonly Form[], parameters: Parameters): string {
  return generating
    .map(
      ({ unit, query, gain }) =>
        `(SELECT i.id, i.pair_id, ${unit} AS unit, ${gain} AS gain FROM item i
          WHERE i.lexemes @@ ${parameters.add(query)}::tsquery LIMIT ${CANDIDATE_ROWS})`,
    )
    .join(' UNION ALL ');
}

/** Rows of `id` and `gain` for those of these items that have words. */
export function gains({ all }: Forms, ids: readonly string[]): Statement {
  const units = [...new Set(all.map(({ unit }) => unit))];
  // Most items lack most units: one comparison for each unit leaves few for its forms.
  const text = `
    WITH unit AS MATERIALIZED (
      SELECT u.unit, u.query::tsquery FROM unnest($2::int[], $3::text[]) AS u (unit, query)),
    form AS MATERIALIZED (
      SELECT f.unit, f.query::tsquery, f.gain FROM unnest($4::int[], $5::text[], $6::int[]) AS f (unit, query, gain)),
    member AS (
      SELECT i.id, m.lexemes FROM item i JOIN item m ON m.pair_id = i.pair_id AND m.home = i.home WHERE i.id = ANY($1::uuid[])
      UNION ALL
      SELECT i.id, i.lexemes FROM item i WHERE i.id = ANY($1::uuid[]) AND i.pair_id IS NULL),
    worded AS MATERIALIZED (SELECT id, lexemes FROM member WHERE lexemes <> ''),
    hit AS MATERIALIZED (SELECT w.id, w.lexemes, u.unit FROM worded w JOIN unit u ON w.lexemes @@ u.query),
    best AS (
      SELECT h.id, h.unit, max(f.gain) AS gain FROM hit h JOIN form f ON f.unit = h.unit AND h.lexemes @@ f.query
      GROUP BY 1, 2),
    total AS (SELECT id, sum(gain)::int AS gain FROM best GROUP BY 1)
    SELECT id, COALESCE(t.gain, 0) AS gain FROM (SELECT DISTINCT id FROM worded) w LEFT JOIN total t USING (id)`;
  return {
    text,
    values: [
      encodeUuidArray(ids),
      units,
      units.map((unit) => anyOf(all.filter((form) => form.unit === unit))),
      all.map(({ unit }) => unit),
      all.map(({ query }) => query),
      all.map(({ gain }) => gain),
    ],
  };
}
