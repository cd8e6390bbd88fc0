import { createHash } from 'node:crypto';
import type { Database, Queryable } from '../postgres/database.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

type ItemChangeKind = 'CREATED' | 'UPDATED' | 'DELETED';

/** The place of a change in the feed. */
export interface ChangePosition {
  /** The transaction (`xid8`) and the number of the change, in decimal. */
  readonly tx: string;
  readonly id: string;
  /** A hash of the change. Another catalogue has another change, or none, at this place. */
  readonly check: string;
}

export interface ItemChangeRow {
  readonly position: ChangePosition;
  readonly kind: ItemChangeKind;
  readonly itemId: string;
  readonly at: Date;
}

/** `swept`: the changes after the position are no longer kept. `unknown`: this catalogue has no change at the position. */
export type ChangesAfter =
  | { readonly kind: 'changes'; readonly changes: readonly ItemChangeRow[] }
  | { readonly kind: 'swept' }
  | { readonly kind: 'unknown' };

interface StoredChange {
  readonly tx: string;
  readonly id: string;
  readonly itemId: string;
  readonly kind: ItemChangeKind | null;
  readonly at: Date;
  readonly micros: string;
}

const COLUMNS = `tx::text, c.id::text, item_id AS "itemId", kind, at, (extract(epoch FROM at) * 1000000)::bigint::text AS micros`;

/** Transactions below it have ended. All of their changes that were committed are visible. */
const HORIZON = 'pg_snapshot_xmin(pg_current_snapshot())';

/** Sorts before every item id. */
const NIL = '00000000-0000-0000-0000-000000000000';

/** Items whose changes one statement adds. */
const NOTED_AT_ONCE = 10_000;

/** Changes that one statement sweeps. */
const SWEPT_AT_ONCE = 10_000;

/** Adds changes to the feed, in the transaction that makes them. */
export async function noteChanges(
  tx: Queryable,
  changes: readonly Pick<ItemChangeRow, 'itemId' | 'kind'>[],
): Promise<void> {
  if (changes.length === 0) return;
  await tx.run(
    `INSERT INTO vectors.item_change (item_id, kind)
     SELECT item_id, kind::vectors.item_change_kind FROM unnest($1::uuid[], $2::text[]) AS u (item_id, kind)`,
    [encodeUuidArray(changes.map(({ itemId }) => itemId)), changes.map(({ kind }) => kind)],
  );
}

/** Adds updates of all items with one of these classes to the feed, in the transaction that changes the classes. */
export async function noteClassItems(tx: Queryable, classIds: readonly string[]): Promise<void> {
  for (let after = NIL; ; ) {
    // Two statements: on a distributed database a single one would take the defaults of the columns from other servers.
    const rows = await tx.run<{ id: string }>(
      `SELECT DISTINCT item_id AS id FROM item_class WHERE class_id = ANY($1::uuid[]) AND item_id > $2::uuid
       ORDER BY 1 LIMIT ${NOTED_AT_ONCE}`,
      [encodeUuidArray(classIds), after],
    );
    await noteChanges(
      tx,
      rows.map(({ id }) => ({ itemId: id, kind: 'UPDATED' })),
    );
    after = rows.at(-1)?.id ?? NIL;
    if (rows.length < NOTED_AT_ONCE) return;
  }
}

/** The feed of changes of items. Its order is that of transactions by their ids, then of changes by their ids. */
export class ItemChanges {
  constructor(private readonly db: Database) {}

  /**
   * Gives a new feed its first row, before all changes, so that it has a position before the first change.
   *
   * Ids of transactions belong to a cluster. A database restored into another one can have changes of transactions that have not
   * begun there. Their order is meaningless, so the feed begins anew.
   */
  async begin(): Promise<void> {
    await this.db.run(
      `DELETE FROM vectors.item_change WHERE EXISTS (
         SELECT 1 FROM vectors.item_change WHERE tx >= pg_snapshot_xmax(pg_current_snapshot()))`,
    );
    await this.db.run(
      `INSERT INTO vectors.item_change (tx, id, item_id) SELECT '0'::xid8, 0, gen_random_uuid()
       WHERE NOT EXISTS (SELECT 1 FROM vectors.item_change) ON CONFLICT DO NOTHING`,
    );
  }

  /** The position of the latest change that `after` gives. */
  async latest(): Promise<ChangePosition> {
    const [row] = await this.db.run<StoredChange>(
      `SELECT ${COLUMNS} FROM vectors.item_change c WHERE tx < ${HORIZON} ORDER BY c.tx DESC, c.id DESC LIMIT 1`,
    );
    if (row === undefined) throw new Error('the feed of changes has no first row');
    return positionOf(row);
  }

  /** The changes after a position. A change is given once all transactions before its own have ended. */
  async after(position: ChangePosition, limit: number): Promise<ChangesAfter> {
    // With the change at the position itself: in one snapshot, no sweep removes changes between it and the next one.
    const [first, ...rows] = await this.db.run<StoredChange>(
      `SELECT ${COLUMNS} FROM vectors.item_change c WHERE (c.tx, c.id) >= ($1::xid8, $2::bigint) AND c.tx < ${HORIZON}
       ORDER BY c.tx, c.id LIMIT $3`,
      [position.tx, position.id, limit + 1],
    );
    if (first === undefined || positionOf(first).check !== position.check) {
      return { kind: (await this.isSwept(position)) ? 'swept' : 'unknown' };
    }
    return { kind: 'changes', changes: rows.flatMap(changeOf) };
  }

  /**
   * Deletes changes of an earlier time, except the latest of them: it remains the position of readers that have read up to it.
   *
   * @returns how many
   */
  async sweep(before: Date): Promise<number> {
    for (let swept = 0; ; ) {
      const rows = await this.db.run(
        `WITH oldest AS (SELECT tx, id, at FROM vectors.item_change WHERE tx < ${HORIZON} ORDER BY tx, id LIMIT ${SWEPT_AT_ONCE}),
           kept AS (SELECT tx, id FROM oldest WHERE at < $1 ORDER BY tx DESC, id DESC LIMIT 1)
         DELETE FROM vectors.item_change c USING oldest, kept
         WHERE (c.tx, c.id) = (oldest.tx, oldest.id) AND (c.tx, c.id) < (kept.tx, kept.id) RETURNING 1`,
        [before.toISOString()],
      );
      swept += rows.length;
      if (rows.length < SWEPT_AT_ONCE - 1) return swept;
    }
  }

  /** Whether the position is before all changes that are kept. */
  private async isSwept({ tx, id }: ChangePosition): Promise<boolean> {
    const [row] = await this.db.run<{ swept: boolean }>(
      `SELECT (c.tx, c.id) > ($1::xid8, $2::bigint) AS swept FROM vectors.item_change c ORDER BY c.tx, c.id LIMIT 1`,
      [tx, id],
    );
    return row?.swept ?? false;
  }
}

function changeOf(row: StoredChange): ItemChangeRow[] {
  const { kind, itemId, at } = row;
  return kind === null ? [] : [{ position: positionOf(row), kind, itemId, at }];
}

function positionOf({ tx, id, itemId, micros }: StoredChange): ChangePosition {
  const check = createHash('sha256').update(`${itemId} ${micros}`).digest('base64url').slice(0, 11);
  return { tx, id, check };
}
