import pLimit from 'p-limit';
import type { Database, Queryable } from '../postgres/database.js';
import type { MediaRow } from '../types.js';

/** A picture with the size of its bytes. */
export interface StoredPicture extends MediaRow {
  readonly bytes: number;
}

/** A picture without an item is kept for this time after an upload, because it may be about to be ingested. */
const UPLOAD_GRACE = "interval '1 hour'";

/** The size in a row that `removeUnreferenced` inserts for a picture without one, and deletes again. */
const PLACEHOLDER_BYTES = -1;

/** Pictures whose bytes are removed at once. */
const REMOVED_AT_ONCE = 8;

/** Pictures that one statement looks at for those without an item. */
const LOOKED_AT = 1_000;

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

/** Advisory lock that what needs all bytes to stay holds, shared. A removal that finds it held does nothing. */
const KEEP_LOCK = 0x636f6d71;
/** Advisory lock that removals hold, shared. What needs all bytes to stay waits for it once, after it has taken the first lock. */
const REMOVAL_LOCK = 0x636f6d72;

/** Pictures whose bytes the media store has. */
export class Media {
  /** How many callers in this process need all bytes to stay. */
  private keeping = 0;

  constructor(private readonly db: Database) {}

  /**
   * Lets no server remove a picture until the result is called, once. Removals return at once, and a later sweep does their work. For an archive,
   * whose rows name pictures that it reads later.
   */
  async keepAll(): Promise<() => Promise<void>> {
    this.keeping += 1;
    try {
      // The embedded database belongs to this process, and its connection cannot be held.
      const release = this.db.kind === 'server' ? await this.shareBytes() : async () => {};
      return async () => {
        this.keeping -= 1;
        await release();
      };
    } catch (error) {
      this.keeping -= 1;
      throw error;
    }
  }

  private async shareBytes(): Promise<() => Promise<void>> {
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    return await new Promise((locked, failed) => {
      const session = this.db.session(async (on) => {
        await on.run('SELECT pg_advisory_lock_shared($1)', [KEEP_LOCK]);
        await on.run('SELECT pg_advisory_lock($1), pg_advisory_unlock($1)', [REMOVAL_LOCK]);
        locked(async () => {
          release();
          await session;
        });
        await released;
        await on.run('SELECT pg_advisory_unlock_shared($1)', [KEEP_LOCK]);
      });
      session.catch(failed);
    });
  }

  /** Whether nothing needs all bytes to stay, until the transaction ends. */
  private async mayRemove(tx: Queryable): Promise<boolean> {
    if (this.keeping > 0) return false;
    if (this.db.kind === 'embedded') return true;
    await tx.run('SELECT pg_advisory_xact_lock_shared($1)', [REMOVAL_LOCK]);
    const [held] = await tx.run(
      `SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND objsubid = 1
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
      [KEEP_LOCK],
    );
    return held === undefined;
  }

  /** Records an upload. Waits for a removal of the same picture that is in progress. */
  async record(image: StoredPicture): Promise<void> {
    const inTransaction = async (tx: Queryable) => {
      await recordPictures(tx, [image]);
      await tx.run('UPDATE media SET uploaded_at = CURRENT_TIMESTAMP WHERE sha256 = $1', [image.sha256]);
    };
    await this.db.transaction(inTransaction, { repeat: true });
  }

  /**
   * Pictures without an item that were stored and uploaded before a time: hex sha256, ascending.
   *
   * @param after the last hash of the page before; null for the first page
   */
  async unused(before: Date, after: string | null, limit: number): Promise<string[]> {
    const unused: string[] = [];
    // Two statements: a distributed database has the pictures on one server and the items on others.
    for (let last = after ?? ''; unused.length < limit; ) {
      const rows = await this.db.run<{ hash: string }>(
        `SELECT sha256 AS hash FROM media
         WHERE created_at < $1 AND (uploaded_at IS NULL OR uploaded_at < $1) AND sha256 > $2 ORDER BY sha256 LIMIT $3`,
        [before.toISOString(), last, LOOKED_AT],
      );
      const hashes = rows.map(({ hash }) => hash);
      const shown = await shownOf(this.db, hashes);
      unused.push(...hashes.filter((hash) => !shown.has(hash)));
      if (hashes.length < LOOKED_AT) break;
      last = hashes.at(-1) ?? last;
    }
    return unused.slice(0, limit);
  }

  /** Those of the hashes that neither an upload nor an item has. */
  async unknown(hashes: readonly string[]): Promise<string[]> {
    const rows = await this.db.run<{ hash: string }>(
      `SELECT sha256 AS hash FROM media WHERE sha256 = ANY($1::text[])
       UNION ALL SELECT content_hash FROM item WHERE content_hash = ANY($1::text[]) AND modality = 'IMAGE'`,
      [hashes],
    );
    const known = new Set(rows.map(({ hash }) => hash));
    return hashes.filter((hash) => !known.has(hash));
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
   * Removes the pictures that no item shows and that were not uploaded within the last hour: their rows, and by `removeBytes`
   * (given the hex sha256) their bytes. Both happen under a lock on the rows, so a concurrent ingest or upload of the same
   * picture waits and stores it again.
   *
   * @returns hex sha256 of the removed pictures, ascending.
   */
  async removeUnreferenced(
    hashes: readonly string[],
    removeBytes: (sha256: string) => Promise<unknown>,
  ): Promise<string[]> {
    if (hashes.length === 0) return [];
    const inTransaction = async (tx: Queryable) => {
      if (!(await this.mayRemove(tx))) return [];
      // A picture may have bytes and no row; one that is made now makes an upload of the same picture wait.
      await tx.run(
        `INSERT INTO media (sha256, media_type, width, height, bytes)
         SELECT hash, '', 0, 0, $2 FROM unnest($1::text[]) AS h (hash) ORDER BY hash ON CONFLICT DO NOTHING`,
        [hashes, PLACEHOLDER_BYTES],
      );
      await tx.run('SELECT 1 FROM media WHERE sha256 = ANY($1::text[]) ORDER BY sha256 FOR UPDATE', [hashes]);
      // A statement of its own: its snapshot includes the items of the transactions that the lock waited for.
      const kept = await shownOf(tx, hashes);
      const rows = await tx.run<{ hash: string }>(
        `DELETE FROM media WHERE sha256 = ANY($1::text[])
           AND (uploaded_at IS NULL OR uploaded_at < CURRENT_TIMESTAMP - ${UPLOAD_GRACE}) RETURNING sha256 AS hash`,
        [hashes.filter((hash) => !kept.has(hash))],
      );
      await tx.run('DELETE FROM media WHERE sha256 = ANY($1::text[]) AND bytes = $2', [
        hashes,
        PLACEHOLDER_BYTES,
      ]);
      const unreferenced = rows.map((row) => row.hash).sort();
      // All end before the transaction does: one that still runs after a rollback could remove what an upload has stored again.
      const limit = pLimit(REMOVED_AT_ONCE);
      const removed = await Promise.allSettled(
        unreferenced.map((sha256) => limit(() => removeBytes(sha256))),
      );
      const failure = removed.find((one) => one.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      return unreferenced;
    };
    // Removing a file again does nothing.
    return await this.db.transaction(inTransaction, { repeat: true });
  }
}

/** Those of the pictures that items show. */
async function shownOf(on: Queryable, hashes: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await on.run<{ hash: string }>(
    `SELECT DISTINCT content_hash AS hash FROM item WHERE content_hash = ANY($1::text[]) AND modality = 'IMAGE'`,
    [hashes],
  );
  return new Set(rows.map(({ hash }) => hash));
}
