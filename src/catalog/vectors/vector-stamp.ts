import type { Database } from '../postgres/database.js';

/**
 * What the vectors were when a snapshot was taken: a number that differs as soon as any committed change of items, of their
 * pairs or of their classes is seen, and for each partition asked about what differs with any change of its own. Two
 * equal stamps mean equal vectors.
 *
 * It is read from the database, in the statement that opens a search, so that all servers on it agree about it.
 */
export interface VectorStamp {
  /** The sum of the weights of all changes outside of partitions; see the migrations `search_changes` and `change_scopes`. */
  readonly changes: string;
  /**
   * Of each partition asked about the file behind it, which TRUNCATE and DROP change, and the sum of the weights of its
   * changes; null where there is no such partition.
   */
  readonly partitions: ReadonlyMap<string, string | null>;
}

/** A stamp as STAMP_SQL selects it. */
export interface StoredStamp {
  readonly changes: string;
  /** Rows that folding would save. */
  readonly foldable: number;
  readonly partitions: readonly (string | null)[] | null;
}

/** A FROM item of one row, `stamp`, with the columns of StoredStamp; `$1` is the partitions to tell of. */
export const STAMP_SQL = `(
  SELECT COALESCE(sum(weight) FILTER (WHERE scope = 0), 0)::text AS changes,
    (count(*) - count(DISTINCT scope))::int AS foldable,
    (SELECT array_agg(pg_relation_filenode(to_regclass(name)) || '/' || (
       SELECT COALESCE(sum(weight), 0) FROM vectors.change c WHERE c.scope = to_regclass(name)) ORDER BY place)
     FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place)) AS partitions
  FROM vectors.change) stamp`;

/** Each writing transaction leaves a row for each scope; where there are so many more, they are folded into one for each. */
const MOST_ROWS = 256;

/**
 * Rows that another server is folding are left to it. What nobody else sees changed is never changed: the sums. Those of
 * partitions that are gone concern nobody.
 */
const FOLD_SQL = `WITH gone AS (
    DELETE FROM vectors.change WHERE ctid = ANY (ARRAY(SELECT ctid FROM vectors.change FOR UPDATE SKIP LOCKED))
    RETURNING scope, weight)
  INSERT INTO vectors.change (scope, weight)
  SELECT scope, sum(weight) FROM gone
  WHERE scope = 0 OR EXISTS (SELECT 1 FROM pg_class WHERE oid = gone.scope) GROUP BY scope`;

/** Reads stamps, and keeps the table behind them short. */
export class VectorStamps {
  private folding: Promise<unknown> | null = null;

  constructor(private readonly db: Database) {}

  async read(partitions: readonly string[]): Promise<VectorStamp> {
    const [row] = await this.db.run<StoredStamp>(`SELECT stamp.* FROM ${STAMP_SQL}`, [[...partitions]]);
    if (!row) throw new Error('no stamp');
    return this.parse(row, partitions);
  }

  parse(row: StoredStamp, partitions: readonly string[]): VectorStamp {
    if (row.foldable > MOST_ROWS) this.fold();
    const told = partitions.map((name, i) => [name, row.partitions?.[i] ?? null] as const);
    return { changes: row.changes, partitions: new Map(told) };
  }

  /** Resolves once nothing is being folded. */
  async settled(): Promise<void> {
    await this.folding;
  }

  private fold(): void {
    // What goes wrong is tried again by the next search.
    this.folding ??= this.db
      .run(FOLD_SQL)
      .catch(() => {})
      .finally(() => {
        this.folding = null;
      });
  }
}
