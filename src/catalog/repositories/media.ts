import type { Database, Queryable } from '../postgres/database.js';
import type { MediaRow } from '../types.js';

/** A picture with the size of its bytes. */
export interface StoredPicture extends MediaRow {
  readonly bytes: number;
}

/** Attempts to insert rows, which concurrent removals delete. */
const RECORD_ATTEMPTS = 5;

/**
 * Records pictures and locks their rows until the transaction ends. Meanwhile `removeUnreferenced` waits, and then sees
 * the items that the transaction wrote. A picture that is already recorded stays as it is.
 */
export async function recordPictures(tx: Queryable, images: readonly StoredPicture[]): Promise<void> {
  if (images.length === 0) return;
  // Sorted, so that concurrent transactions lock rows in one order.
  const inOrder = [...new Map(images.map((image) => [image.sha256, image])).values()].sort((a, b) =>
    a.sha256 < b.sha256 ? -1 : 1,
  );
  const hashes = inOrder.map(({ sha256 }) => sha256);
  for (let attempt = 0; attempt < RECORD_ATTEMPTS; attempt += 1) {
    await tx.run(
      `INSERT INTO media (sha256, media_type, width, height, bytes)
       SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::int[], $5::int[]) ON CONFLICT DO NOTHING`,
      [
        hashes,
        inOrder.map(({ mediaType }) => mediaType),
        inOrder.map(({ width }) => width),
        inOrder.map(({ height }) => height),
        inOrder.map(({ bytes }) => bytes),
      ],
    );
    const locked = await tx.run(
      'SELECT sha256 FROM media WHERE sha256 = ANY($1::text[]) ORDER BY sha256 FOR KEY SHARE',
      [hashes],
    );
    if (locked.length === hashes.length) return;
  }
  throw new Error('rows of media were deleted as often as they were inserted');
}

/** Pictures whose bytes the media store has. */
export class Media {
  constructor(private readonly db: Database) {}

  /** Records an upload. Waits for a removal of the same picture that is in progress. */
  async record(image: StoredPicture): Promise<void> {
    await this.db.transaction((tx) => recordPictures(tx, [image]), { repeat: true });
  }

  /** A picture that was uploaded or that an item shows, by the hex sha256 of its bytes. */
  async find(sha256: string): Promise<MediaRow | null> {
    const rows = await this.db.run<MediaRow>(
      `SELECT sha256, media_type AS "mediaType", width, height FROM media WHERE sha256 = $1
       UNION ALL
       (SELECT content_hash, media_type, width, height FROM item WHERE content_hash = $1 AND modality = 'IMAGE' LIMIT 1)
       LIMIT 1`,
      [sha256],
    );
    return rows[0] ?? null;
  }

  /**
   * Removes the pictures that no item shows: their rows, and by `removeBytes` (given the hex sha256) their bytes. Both
   * happen under a lock on the rows, so a concurrent ingest or upload of the same picture waits and stores it again.
   *
   * @returns hex sha256 of the removed pictures, ascending.
   */
  async removeUnreferenced(
    hashes: readonly string[],
    removeBytes: (sha256: string) => Promise<unknown>,
  ): Promise<string[]> {
    if (hashes.length === 0) return [];
    const inTransaction = async (tx: Queryable) => {
      await tx.run('SELECT 1 FROM media WHERE sha256 = ANY($1::text[]) ORDER BY sha256 FOR UPDATE', [hashes]);
      // A statement of its own: its snapshot includes the items of the transactions that the lock waited for.
      const rows = await tx.run<{ hash: string }>(
        `SELECT DISTINCT h.hash FROM unnest($1::text[]) AS h (hash)
         WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.content_hash = h.hash AND i.modality = 'IMAGE') ORDER BY 1`,
        [hashes],
      );
      const unreferenced = rows.map((row) => row.hash);
      await tx.run('DELETE FROM media WHERE sha256 = ANY($1::text[])', [unreferenced]);
      for (const sha256 of unreferenced) await removeBytes(sha256);
      return unreferenced;
    };
    // Removing a file again does nothing.
    return await this.db.transaction(inTransaction, { repeat: true });
  }
}
