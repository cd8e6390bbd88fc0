import type { ItemWords } from '../../domain/lexical/item-terms.js';
import type { Database, Queryable } from '../postgres/database.js';
import { locking } from '../postgres/homes.js';
import type { ExistingItem, ItemRow, JsonObject } from '../types.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import type { Words } from '../words/words.js';
import { noteChanges } from './item-changes.js';
import { asIdentityConflict, requireIdentities } from './item-identities.js';
import { addClasses } from './item-labels.js';
import { ensureClasses, ensurePairs } from './item-links.js';
import { moveItems } from './item-moves.js';
import { classesOf } from './item-reads.js';
import { ItemsChanged } from './item-writes.js';
import { ITEM_COLUMNS, itemRow, type StoredItem } from './rows.js';

/** The values of an item after an update, and how its classes change. Its content, and so its vectors, stay. */
export interface ItemUpdate {
  readonly id: string;
  /** Of the row that the values are based on. */
  readonly version: string;
  readonly title: string | null;
  readonly metadata: JsonObject;
  /** Of a text. */
  readonly language: string | null;
  readonly pairKey: string | null;
  readonly words: ItemWords;
  readonly addedClasses: readonly string[];
  readonly removedClasses: readonly string[];
}

/** The items of these ids or external ids, of those that exist, in no order. */
export async function itemsToUpdate(
  db: Database,
  ids: readonly string[],
  externalIds: readonly string[],
): Promise<ExistingItem[]> {
  const rows = await db.run<StoredItem & { version: string; pairKey: string | null }>(
    `WITH found AS (
       SELECT id, home FROM item WHERE id = ANY($1::uuid[])
       UNION
       SELECT id, home FROM item WHERE external_id = ANY($2::text[]))
     SELECT ${ITEM_COLUMNS}, i.xmin::text AS version, p.key AS "pairKey"
     FROM found JOIN item i ON i.id = found.id AND i.home = found.home LEFT JOIN pair p ON p.id = i.pair_id AND p.home = i.home`,
    [encodeUuidArray(ids), externalIds],
  );
  const classes = await classesOf(
    db,
    rows.map(({ id }) => id),
  );
  return rows.map((row) => ({
    row: itemRow(row),
    version: row.version,
    pairKey: row.pairKey,
    classNames: classes.get(row.id)?.map(({ name }) => name) ?? [],
  }));
}

/**
 * Changes stored items with their words, pairs and classes, all or none. Missing pairs and classes are inserted.
 *
 * @returns the rows by id, and ids of the pairs that items have left
 * @throws ItemsChanged, IdentityConflict, or CommonspaceError BUSY
 */
export async function updateItems(
  db: Database,
  { words }: { readonly words: Words },
  updates: readonly ItemUpdate[],
): Promise<{ readonly rows: Map<string, ItemRow>; readonly formerPairs: readonly string[] }> {
  const lexemes = await words.prepare(updates.map((update) => update.words));
  const inTransaction = async (tx: Queryable) => {
    const pairIds = await ensurePairs(
      tx,
      updates.flatMap(({ pairKey }) => pairKey ?? []),
    );
    const classIds = await ensureClasses(
      tx,
      updates.flatMap(({ addedClasses }) => addedClasses),
    );
    const former = await lockItems(tx, updates);
    const byId = new Map(updates.map((update) => [update.id, update]));
    await moveItems(
      tx,
      former.map(({ id, home }) => ({ id, home, pairId: pairIdOf(byId.get(id), pairIds) })),
    );
    const stored = await updateRows(tx, updates, pairIds, lexemes);
    await requireIdentities(tx, stored);
    await changeClasses(tx, updates, classIds);
    await noteChanges(
      tx,
      stored.map(({ id }) => ({ itemId: id, kind: 'UPDATED' })),
    );
    const formerPairs = former
      .flatMap(({ pair }) => pair ?? [])
      .filter((id) => !stored.some(({ pairId }) => pairId === id));
    return { rows: new Map(stored.map((row) => [row.id, row])), formerPairs };
  };
  try {
    const result = await db.transaction(inTransaction, { repeat: true, items: true });
    words.written(updates.length);
    return result;
  } catch (error) {
    throw asIdentityConflict(error);
  }
}

interface LockedItem {
  readonly id: string;
  readonly home: string | null;
  readonly version: string;
  /** The pair that it is in. */
  readonly pair: string | null;
}

/** @throws ItemsChanged */
async function lockItems(tx: Queryable, updates: readonly ItemUpdate[]): Promise<LockedItem[]> {
  const locked = await tx.run<LockedItem>(
    `SELECT i.id, i.home, i.xmin::text AS version, i.pair_id AS pair FROM item i WHERE i.id = ANY($1::uuid[])
     ORDER BY i.id ${locking(tx, 'FOR NO KEY UPDATE')}`,
    [encodeUuidArray(updates.map(({ id }) => id))],
  );
  const versions = new Map(locked.map(({ id, version }) => [id, version]));
  if (updates.some(({ id, version }) => versions.get(id) !== version)) {
    throw new ItemsChanged('an item was changed since it was read');
  }
  return locked;
}

function pairIdOf(update: ItemUpdate | undefined, pairIds: ReadonlyMap<string, string>): string | null {
  const key = update?.pairKey ?? null;
  return key === null ? null : (pairIds.get(key) ?? null);
}

async function updateRows(
  tx: Queryable,
  updates: readonly ItemUpdate[],
  pairIds: ReadonlyMap<string, string>,
  lexemes: readonly string[],
): Promise<ItemRow[]> {
  const rows = await tx.run<StoredItem>(
    `UPDATE item i SET title = w.title, metadata = w.metadata::jsonb, language = w.language, pair_id = w.pair_id,
       lexemes = w.lexemes::tsvector, updated_at = CURRENT_TIMESTAMP
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[])
       AS w (id, title, metadata, language, pair_id, lexemes)
     WHERE i.id = w.id RETURNING ${ITEM_COLUMNS}`,
    [
      encodeUuidArray(updates.map(({ id }) => id)),
      updates.map(({ title }) => title),
      updates.map(({ metadata }) => JSON.stringify(metadata)),
      updates.map(({ language }) => language),
      updates.map((update) => pairIdOf(update, pairIds)),
      lexemes,
    ],
  );
  return rows.map(itemRow);
}

async function changeClasses(
  tx: Queryable,
  updates: readonly ItemUpdate[],
  classIds: ReadonlyMap<string, string>,
): Promise<void> {
  const removed = updates.flatMap(({ id, removedClasses }) => removedClasses.map((name) => ({ id, name })));
  if (removed.length > 0) {
    await tx.run(
      `DELETE FROM item_class ic USING unnest($1::uuid[], $2::text[]) AS w (item_id, name), class c
       WHERE c.name = w.name AND ic.item_id = w.item_id AND ic.class_id = c.id`,
      [encodeUuidArray(removed.map(({ id }) => id)), removed.map(({ name }) => name)],
    );
  }
  const added = updates.flatMap(({ id, addedClasses }) => addedClasses.map((name) => ({ id, name })));
  if (added.length > 0) {
    await addClasses(
      tx,
      added.map(({ id, name }) => ({ item: id, class: classIds.get(name) ?? '' })),
    );
  }
}
