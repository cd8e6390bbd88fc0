import type { Database, Queryable } from '../postgres/database.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/** An image, and the hex sha256 of its bytes. */
export interface UnhashedImage {
  readonly id: string;
  readonly contentHash: string;
}

/** Perceptual hashes of the images among these items, of those that have one. */
export async function hashesOf(on: Queryable, itemIds: readonly string[]): Promise<Map<string, bigint>> {
  const rows = await on.run<{ id: string; hash: string }>(
    `SELECT id, perceptual_hash AS hash FROM item WHERE id = ANY($1::uuid[]) AND perceptual_hash IS NOT NULL`,
    [encodeUuidArray(itemIds)],
  );
  return new Map(rows.map(({ id, hash }) => [id, BigInt(hash)]));
}

/** The perceptual hashes of images; see src/domain/perceptual-hash.ts. */
export class PerceptualHashes {
  constructor(private readonly db: Database) {}

  /** Images without a hash, by ascending id after `afterId`. */
  async lacking(afterId: string, limit: number): Promise<UnhashedImage[]> {
    return await this.db.run<{ id: string; contentHash: string }>(
      `SELECT id, content_hash AS "contentHash" FROM item
       WHERE modality = 'IMAGE' AND perceptual_hash IS NULL AND id > $1::uuid ORDER BY id LIMIT $2`,
      [afterId, limit],
    );
  }

  /** Stores hashes of images that still have the same content. */
  async fill(hashes: readonly (UnhashedImage & { readonly hash: bigint })[]): Promise<void> {
    // By ascending id, so that concurrent writers lock rows in the same order.
    await this.db.run(
      `WITH late AS (
         SELECT * FROM unnest($1::uuid[], $2::text[], $3::bigint[]) AS l (id, content_hash, hash)),
       current AS (
         SELECT i.id, late.hash FROM item i JOIN late USING (id) WHERE i.content_hash = late.content_hash
         ORDER BY i.id FOR NO KEY UPDATE OF i)
       UPDATE item i SET perceptual_hash = current.hash FROM current WHERE i.id = current.id`,
      [
        encodeUuidArray(hashes.map(({ id }) => id)),
        hashes.map(({ contentHash }) => contentHash),
        hashes.map(({ hash }) => hash.toString()),
      ],
    );
  }
}
