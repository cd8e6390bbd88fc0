import type { Queryable } from '../postgres/database.js';
import type { ItemRow } from '../types.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/**
 * Another writer has meanwhile stored an item of the same identity (external id, or content within its pair). Nothing
 * was written; the caller reads with `findExisting` again and retries.
 */
export class IdentityConflict extends Error {
  override readonly name = 'IdentityConflict';
}

/** An error of the unique indexes of items as an IdentityConflict; any other error as it is. */
export function asIdentityConflict(error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string };
  if (code !== '23505') return error;
  // Not by the field of the error: a node of a distributed database names its shard's constraint in the message only.
  const [, constraint] = /"(item_(?:external_id|keyless_identity)_key)/.exec(message) ?? [];
  return constraint === undefined
    ? error
    : new IdentityConflict(`another item has this identity (${constraint})`, { cause: error });
}

/**
 * Refuses items of which another one has the id or the identity. On other databases unique indexes do so. On a distributed one an index is unique
 * within a shard only, and two items of one identity can be in two shards. Transactions that write items take turns there, so none
 * stores the same identity meanwhile.
 *
 * @throws IdentityConflict
 */
export async function requireIdentities(
  tx: Queryable,
  rows: readonly Pick<ItemRow, 'id' | 'externalId' | 'contentHash'>[],
): Promise<void> {
  if (!tx.distributed) return;
  const externalIds = rows.flatMap(({ externalId }) => externalId ?? []);
  const contents = rows.flatMap(({ externalId, contentHash }) => (externalId === null ? [contentHash] : []));
  const [repeated] = await tx.run(
    `SELECT 1 FROM item WHERE external_id = ANY($1::text[]) GROUP BY external_id HAVING count(*) > 1
     UNION ALL
     SELECT 1 FROM item WHERE content_hash = ANY($2::text[]) AND external_id IS NULL
     GROUP BY modality, content_hash, pair_id HAVING count(*) > 1
     UNION ALL
     SELECT 1 FROM item WHERE id = ANY($3::uuid[]) GROUP BY id HAVING count(*) > 1`,
    [externalIds, contents, encodeUuidArray(rows.map(({ id }) => id))],
  );
  if (repeated !== undefined) throw new IdentityConflict('another item has this identity');
}
