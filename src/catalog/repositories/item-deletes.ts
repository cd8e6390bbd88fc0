import type { Modality } from '../../domain/modality.js';
import type { Queryable } from '../postgres/database.js';
import { locking } from '../postgres/homes.js';
import { removePoints } from '../vectors/map-points.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';
import { noteChanges } from './item-changes.js';

export interface DeletedItem {
  readonly id: string;
  readonly hash: string;
  readonly modality: Modality;
  readonly pair: string | null;
}

/** Locks the items by id, so that concurrent writers lock them in the same order, and deletes them. */
export async function deleteItems(tx: Queryable, ids: readonly string[]): Promise<DeletedItem[]> {
  const values = [encodeUuidArray(ids)];
  await tx.run(
    `SELECT 1 FROM item WHERE id = ANY($1::uuid[]) ORDER BY id ${locking(tx, 'FOR UPDATE')}`,
    values,
  );
  const gone = await tx.run<DeletedItem>(
    `DELETE FROM item WHERE id = ANY($1::uuid[]) RETURNING id, content_hash AS hash, modality, pair_id AS pair`,
    values,
  );
  await noteChanges(
    tx,
    gone.map(({ id }) => ({ itemId: id, kind: 'DELETED' })),
  );
  await removePoints(
    tx,
    gone.map(({ id }) => id),
  );
  return gone;
}
