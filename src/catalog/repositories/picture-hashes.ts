import { COPY_DISTANCE } from '../../domain/perceptual-hash.js';
import type { PictureHash } from '../../domain/picture-hash.js';
import type { Database, Queryable } from '../postgres/database.js';
import { locking } from '../postgres/homes.js';
import { encodeUuidArray } from '../vectors/vector-codec.js';

/** An image, and the hex sha256 of its bytes. */
export interface UnhashedImage {
  readonly id: string;
  readonly contentHash: string;
}

export interface HashedImage {
  readonly id: string;
  /** Null: not computed yet. */
  readonly picture: PictureHash | null;
}

/** The columns of a picture hash, which are null together. */
interface HashColumns {
  readonly hash: string | null;
  readonly detail: Buffer | null;
}

function pictureHash({ hash, detail }: HashColumns): PictureHash | null {
  return hash === null || detail === null ? null : { hash: BigInt(hash), detail: new Uint8Array(detail) };
}

/** A value of a bytea parameter. */
export function bytes(values: Uint8Array | undefined): Buffer | null {
  return values === undefined ? null : Buffer.from(values);
}

/** The four bands of a hash, as the indexes `item_hash_band_…` have them. */
const BANDS = [
  (hash: string) => `(${hash} & 65535)`,
  (hash: string) => `((${hash} >> 16) & 65535)`,
  (hash: string) => `((${hash} >> 32) & 65535)`,
  (hash: string) => `((${hash} >> 48) & 65535)`,
];

function nearInBand(band: (hash: string) => string): string {
  return `SELECT q.hash AS of, i.id, i.home FROM q JOIN item i ON ${band('i.perceptual_hash')} = ${band('q.hash')}
    WHERE i.perceptual_hash IS NOT NULL AND bit_count((i.perceptual_hash # q.hash)::bit(64)) <= ${COPY_DISTANCE}`;
}

/** The hashes of the images among these items, of those that have one. */
export async function hashesOf(on: Queryable, itemIds: readonly string[]): Promise<Map<string, PictureHash>> {
  const rows = await on.run<HashColumns & { id: string }>(
    `SELECT id, perceptual_hash AS hash, perceptual_detail AS detail FROM item
     WHERE id = ANY($1::uuid[]) AND perceptual_hash IS NOT NULL`,
    [encodeUuidArray(itemIds)],
  );
  return new Map(
    rows.flatMap((row) => {
      const picture = pictureHash(row);
      return picture === null ? [] : [[row.id, picture] as const];
    }),
  );
}

/** The perceptual hashes of images; see src/domain/picture-hash.ts. */
export class PictureHashes {
  constructor(private readonly db: Database) {}

  /** Images by ascending id after `afterId`. */
  async page(afterId: string, limit: number): Promise<HashedImage[]> {
    const rows = await this.db.run<HashColumns & { id: string }>(
      `SELECT id, perceptual_hash AS hash, perceptual_detail AS detail FROM item
       WHERE modality = 'IMAGE' AND id > $1::uuid ORDER BY id LIMIT $2`,
      [afterId, limit],
    );
    return rows.map((row) => ({ id: row.id, picture: pictureHash(row) }));
  }

  /**
   * The images whose hashes differ from one of the given in at most COPY_DISTANCE bits: for each given hash those with the
   * smallest ids, at most `limit`. They are found by the indexes on the bands, of which one is equal.
   */
  async near(hashes: readonly bigint[], limit: number): Promise<(HashedImage & { readonly of: bigint })[]> {
    const rows = await this.db.run<HashColumns & { of: string; id: string }>(
      `WITH q AS (SELECT * FROM unnest($1::bigint[]) AS q (hash)),
         near AS (${BANDS.map(nearInBand).join(' UNION ')}),
         first AS (SELECT *, row_number() OVER (PARTITION BY of ORDER BY id) AS n FROM near)
       SELECT n.of, n.id, i.perceptual_hash AS hash, i.perceptual_detail AS detail
       FROM first n JOIN item i ON i.id = n.id AND i.home = n.home WHERE n.n <= $2`,
      [hashes.map(String), limit],
    );
    return rows.map((row) => ({ of: BigInt(row.of), id: row.id, picture: pictureHash(row) }));
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
  async fill(images: readonly (UnhashedImage & { readonly picture: PictureHash })[]): Promise<void> {
    const inTransaction = async (tx: Queryable) => {
      // By ascending id, so that concurrent writers lock rows in the same order.
      const stored = await tx.run<{ id: string; hash: string }>(
        `SELECT id, content_hash AS hash FROM item WHERE id = ANY($1::uuid[]) ORDER BY id ${locking(tx, 'FOR NO KEY UPDATE')}`,
        [encodeUuidArray(images.map(({ id }) => id))],
      );
      const contents = new Map(stored.map(({ id, hash }) => [id, hash]));
      const current = images.filter(({ id, contentHash }) => contents.get(id) === contentHash);
      await tx.run(
        `UPDATE item i SET perceptual_hash = l.hash, perceptual_detail = l.detail
         FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS l (id, hash, detail) WHERE i.id = l.id`,
        [
          encodeUuidArray(current.map(({ id }) => id)),
          current.map(({ picture }) => picture.hash.toString()),
          current.map(({ picture }) => bytes(picture.detail)),
        ],
      );
    };
    await this.db.transaction(inTransaction, { repeat: true, items: true });
  }
}
