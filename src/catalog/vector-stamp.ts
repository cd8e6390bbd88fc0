import type { Database } from './database.js';

/**
 * What the vectors were when a snapshot was taken: a number that differs as soon as any committed change of them, of
 * items or of their pairs is seen, and the files of the partitions asked about. Two equal stamps mean equal vectors.
 *
 * It is read from the database, in the statement that opens a search, so that all servers on it agree about it.
 */
export interface VectorStamp {
  /** The sum of the weights of all changes; see the migration `vector_changes`. */
  readonly changes: string;
  /** The file behind each partition asked about, null where there is none: what TRUNCATE and DROP change. */
  readonly files: ReadonlyMap<string, string | null>;
}

/** A stamp as STAMP_SQL selects it. */
export interface StoredStamp {
  readonly changes: string;
  readonly changeRows: number;
  readonly files: readonly (string | null)[] | null;
}

/** A FROM item of one row, `stamp`, with the columns of StoredStamp; `$1` is the partitions to tell the files of. */
export const STAMP_SQL = `(
  SELECT COALESCE(sum(weight), 0)::text AS changes, count(*)::int AS "changeRows",
    (SELECT array_agg(pg_relation_filenode(to_regclass(name))::text ORDER BY place)
     FROM unnest($1::text[]) WITH ORDINALITY AS t (name, place)) AS files
  FROM vectors.change) stamp`;

/** Each writing transaction leaves a row; more than so many are folded into one. */
const MOST_ROWS = 256;

/** Rows that another server is folding are left to it. What nobody else sees changed is never changed: the sum. */
const FOLD_SQL = `WITH gone AS (
    DELETE FROM vectors.change WHERE ctid = ANY (ARRAY(SELECT ctid FROM vectors.change FOR UPDATE SKIP LOCKED))
    RETURNING weight)
  INSERT INTO vectors.change (weight) SELECT sum(weight) FROM gone HAVING count(*) > 0`;

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
    if (row.changeRows > MOST_ROWS) this.fold();
    const files = partitions.map((name, i) => [name, row.files?.[i] ?? null] as const);
    return { changes: row.changes, files: new Map(files) };
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
