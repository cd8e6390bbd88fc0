import type { Queryable } from '../postgres/database.js';
import { encodeUuidArray, encodeVectorArray } from './vector-codec.js';
import { featureTable } from './vector-tables.js';

/** A feature that was extracted from an item as it was then. */
export interface LateFeature {
  readonly itemId: string;
  /** Of the content that it was extracted from. */
  readonly contentHash: string;
  /** Of unit length. */
  readonly vector: Float32Array;
}

/**
 * Stores features of items that lack one, extracted outside of any transaction. Items that were deleted meanwhile, that
 * have other content by now, or that somebody else gave a feature, are passed over. The partition must be there.
 *
 * @returns how many were stored.
 */
export async function fillFeatures(
  on: Queryable,
  vectorOid: number,
  extractor: string,
  features: readonly LateFeature[],
): Promise<number> {
  const inOrder = [...features].sort((a, b) => (a.itemId < b.itemId ? -1 : 1));
  // The lock makes a writer who is replacing the content finish first; what he wrote is then seen.
  const stored = await on.run(
    `WITH late AS (SELECT * FROM unnest($2::uuid[], $3::text[], $4::vector[]) AS u (id, content_hash, vec)),
       still AS (
         SELECT i.id FROM item i JOIN late USING (id) WHERE i.content_hash = late.content_hash ORDER BY i.id FOR SHARE OF i)
     INSERT INTO ${featureTable(extractor)} (item_id, extractor, vec)
     SELECT id, $1, vec FROM late JOIN still USING (id)
     ON CONFLICT (item_id, extractor) DO NOTHING RETURNING item_id`,
    [
      extractor,
      encodeUuidArray(inOrder.map(({ itemId }) => itemId)),
      inOrder.map(({ contentHash }) => contentHash),
      encodeVectorArray(
        vectorOid,
        inOrder.map(({ vector }) => vector),
      ),
    ],
  );
  return stored.length;
}
