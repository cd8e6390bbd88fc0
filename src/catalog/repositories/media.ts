import type { Database } from '../postgres/database.js';
import type { MediaRow } from '../types.js';

/** A picture with the size of its bytes. */
export interface StoredPicture extends MediaRow {
  readonly bytes: number;
}

/** Pictures whose bytes the media store has. */
export class Media {
  constructor(private readonly db: Database) {}

  /** Notes an upload. The same picture again changes nothing. */
  async record(image: StoredPicture): Promise<void> {
    await this.recordMany([image]);
  }

  /** Notes several; the order does not matter. */
  async recordMany(images: readonly StoredPicture[]): Promise<void> {
    if (images.length === 0) return;
    await this.db.prisma.media.createMany({
      data: images.map(({ sha256, mediaType, width, height, bytes }) => ({
        sha256,
        mediaType,
        width,
        height,
        bytes,
      })),
      skipDuplicates: true,
    });
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
   * Those of the pictures that no item shows: their bytes can go. That they were uploaded is forgotten.
   *
   * @returns hex sha256, each once.
   */
  async forgetUnreferenced(hashes: readonly string[]): Promise<string[]> {
    if (hashes.length === 0) return [];
    const unreferenced = `SELECT h.hash FROM unnest($1::text[]) AS h (hash)
      WHERE NOT EXISTS (SELECT 1 FROM item i WHERE i.content_hash = h.hash AND i.modality = 'IMAGE')`;
    const rows = await this.db.run<{ hash: string }>(
      `WITH gone AS (${unreferenced}), forgotten AS (DELETE FROM media WHERE sha256 IN (SELECT hash FROM gone))
       SELECT DISTINCT hash FROM gone ORDER BY hash`,
      [hashes],
    );
    return rows.map((row) => row.hash);
  }
}
