import { COPY_DISTANCE } from '../../domain/perceptual-hash.js';
import type { Database, Queryable } from '../postgres/database.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/** An image, and the hex sha256 of its bytes. */
export interface UnhashedImage {
  readonly id: string;
  readonly contentHash: string;
}

export interface HashedImage {
  readonly id: string;
  /** Null: not computed yet. */
  readonly hash: bigint | null;
}

/** The four bands of a hash, as the indexes `item_hash_band_…` have them. */
const BANDS = [
  (hash: string) => `(${hash} & 65535)`,
  (hash: string) => `((${hash} >> 16) & 65535)`,
  (hash: string) => `((${hash} >> 32) & 65535)`,
  (hash: string) => `((${hash} >> 48) & 65535)`,
];

function nearInBand(band: (hash: string) => string): string {
  return `SELECT i.id, i.perceptual_hash AS hash FROM item i
    WHERE i.perceptual_hash IS NOT NULL AND ${band('i.perceptual_hash')} = ${band('q.hash')}
      AND bit_count((i.perceptual_hash # q.hash)::bit(64)) <= ${COPY_DISTANCE}`;
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

  /** Images by ascending id after `afterId`. */
  async page(afterId: string, limit: number): Promise<HashedImage[]> {
    const rows = await this.db.run<{ id: string; hash: string | null }>(
      `SELECT id, perceptual_hash AS hash FROM item WHERE modality = 'IMAGE' AND id > $1::uuid ORDER BY id LIMIT $2`,
      [afterId, limit],
    );
    return rows.map(({ id, hash }) => ({ id, hash: hash === null ? null : BigInt(hash) }));
  }

  /**
   * The images whose hashes differ from one of the given in at most COPY_DISTANCE bits: for each given hash those with the
   * smallest ids, at most `limit`. They are found by the indexes on the bands, of which one is equal.
   */
  async near(
    hashes: readonly bigint[],
    limit: number,
  ): Promise<{ readonly of: bigint; readonly id: string; readonly hash: bigint }[]> {
    const rows = await this.db.run<{ of: string; id: string; hash: string }>(
      `SELECT q.hash AS of, n.id, n.hash FROM unnest($1::bigint[]) AS q (hash)
       CROSS JOIN LATERAL (SELECT id, hash FROM (${BANDS.map(nearInBand).join(' UNION ')}) b ORDER BY id LIMIT $2) n`,
      [hashes.map(String), limit],
    );
    return rows.map(({ of, id, hash }) => ({ of: BigInt(of), id, hash: BigInt(hash) }));
  }

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
