import type { Queryable } from '../postgres/database.js';
import { homeOf } from '../postgres/homes.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/** An item as it is stored, and the pair that it is to be in. */
export interface ItemMove {
  readonly id: string;
  /** Where it is. */
  readonly home: string | null;
  readonly pairId: string | null;
}

/** Columns of an item that stay as they are when it moves. */
const KEPT = `id, modality, external_id, title, text, language, content_hash, media_type, width, height, perceptual_hash, perceptual_detail,
  metadata, created_at, updated_at, lexemes`;

/** Tables whose rows move with their items, and their columns without the home. */
const BELONGINGS = [
  ['item_class', 'item_id, class_id'],
  ['feature', 'item_id, extractor, vec'],
  ['embedding', 'item_id, encoder_id, modality, vec'],
] as const;

/**
 * Moves those of the items whose home changes, because they join or leave a pair, with all that belongs to them: a row of a distributed table cannot
 * change the column that decides its shard. Where homes are null, it does nothing. The transaction has locked the items.
 */
export async function moveItems(tx: Queryable, items: readonly ItemMove[]): Promise<void> {
  const moves = items.flatMap(({ id, home, pairId }) => {
    const to = homeOf(tx, id, pairId);
    return to === null || home === null || to === home ? [] : [{ id, home, to, pairId }];
  });
  if (moves.length === 0) return;
  const from = [encodeUuidArray(moves.map(({ id }) => id)), encodeUuidArray(moves.map(({ home }) => home))];
  const to = encodeUuidArray(moves.map((move) => move.to));
  await tx.run(
    `INSERT INTO item (${KEPT}, pair_id, home)
     SELECT ${KEPT.replaceAll(/\w+/g, 'i.$&')}, m.pair_id, m.home
     FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[]) AS m (id, former, home, pair_id)
       JOIN item i ON i.id = m.id AND i.home = m.former`,
    [...from, to, moves.map(({ pairId }) => pairId)],
  );
  for (const [table, columns] of BELONGINGS) {
    await tx.run(
      `INSERT INTO ${table} (${columns}, home)
       SELECT ${columns.replaceAll(/\w+/g, 't.$&')}, m.home
       FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS m (id, former, home)
         JOIN ${table} t ON t.item_id = m.id AND t.home = m.former`,
      [...from, to],
    );
  }
  await tx.run(
    `DELETE FROM item i USING unnest($1::uuid[], $2::uuid[]) AS m (id, former)
     WHERE i.id = m.id AND i.home = m.former`,
    from,
  );
}
