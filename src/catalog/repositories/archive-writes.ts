import { createHash } from 'node:crypto';
import type { EncoderState } from '../../domain/encoder-status.js';
import type { ChangeStamp } from '../postgres/change-stamp.js';
import type { Database, Queryable } from '../postgres/database.js';
import type { VectorPartitions } from '../vectors/vector-partitions.js';
import { arrayOf, existingOf, insertItems } from './archive-items.js';
import { linesAs } from './archive-sql.js';
import { lockEncoders } from './encoder-lock.js';
import { IMPORT_UNFINISHED } from './encoder-rows.js';
import { IdentityConflict } from './item-identities.js';

/** Rows of an archive are malformed, or contradict each other. Nothing of the call was written. */
export class UnusableRows extends Error {
  override readonly name = 'UnusableRows';
}

/** The rows of the catalogue that an archive may have. */
export interface CatalogueSize {
  readonly items: number;
  readonly classes: number;
  readonly encoders: number;
}

/** What a call has stored. */
interface Added {
  readonly added: number;
  /** Ids that exist with another content (of a class: with another name). Their vectors in the archive are not stored. */
  readonly differing: readonly string[];
}

/** A pair that exists, and items of an archive that would be added to it. */
export interface PairGrowth {
  readonly key: string;
  readonly added: number;
  readonly stored: number;
}

/** SQLSTATE classes of values that a type or a constraint refuses. */
const REFUSED = /^2[23]/;

/** What tells that a stored row is the one of the archive. */
const SAME: Readonly<Record<keyof CatalogueSize, string>> = {
  items: 'item t ON t.id = r.id AND t.content_hash = r."contentHash"',
  classes: 'class t ON t.id = r.id AND t.name = r.name',
  encoders: 'encoder t ON t.id = r.id',
};

/** What tells that a stored row with the id of one of the archive differs from it. */
const OTHER = {
  items: 'item t ON t.id = r.id AND t.content_hash <> r."contentHash"',
  classes: 'class t ON t.id = r.id AND (t.name <> r.name OR t.description IS DISTINCT FROM r.description)',
} as const;

/**
 * Stores the rows of an archive. What exists stays as it is, so every call may be repeated. No statement is prepared: its plan would be that for the
 * tables as they were at the start, which are empty.
 */
export class ArchiveWrites {
  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
    private readonly changes: ChangeStamp,
  ) {}

  async size(): Promise<CatalogueSize> {
    const [row] = await this.db.runOnce<{ items: number; classes: number; encoders: number }>(
      `SELECT (SELECT count(*)::int FROM item) AS items, (SELECT count(*)::int FROM class) AS classes,
         (SELECT count(*)::int FROM encoder WHERE removed_at IS NULL) AS encoders`,
    );
    return row ?? { items: 0, classes: 0, encoders: 0 };
  }

  /** How many of these rows the catalogue has. @throws UnusableRows */
  async stored(kind: keyof CatalogueSize, lines: readonly string[]): Promise<number> {
    const [row] = await usable(
      this.db.runOnce<{ count: number }>(
        `SELECT count(*)::int AS count FROM ${linesAs(kind)} JOIN ${SAME[kind]}`,
        [arrayOf(lines)],
      ),
    );
    return row?.count ?? 0;
  }

  /** Stores records of pictures, whose bytes are there. @throws UnusableRows */
  async addPictures(lines: readonly string[]): Promise<number> {
    const rows = await usable(
      this.db.runOnce(
        `INSERT INTO media (sha256, media_type, width, height, bytes, created_at, uploaded_at)
         SELECT sha256, "mediaType", width, height, bytes, "createdAt", "uploadedAt" FROM ${linesAs('pictures')}
         ORDER BY sha256 ON CONFLICT DO NOTHING RETURNING 1`,
        [arrayOf(lines)],
      ),
    );
    return rows.length;
  }

  /** @throws UnusableRows */
  async addClasses(lines: readonly string[]): Promise<Added> {
    const values = [arrayOf(lines)];
    const rows = await usable(
      this.db.runOnce(
        `INSERT INTO class (id, name, description, created_at) SELECT id, name, description, "createdAt" FROM ${linesAs('classes')}
         ORDER BY name COLLATE "C" ON CONFLICT DO NOTHING RETURNING 1`,
        values,
      ),
    );
    return { added: rows.length, differing: await this.differing('classes', lines) };
  }

  /** Ids that exist with another content (of a class: with another name or description). @throws UnusableRows */
  async differing(kind: 'items' | 'classes', lines: readonly string[]): Promise<string[]> {
    const rows = await usable(
      this.db.runOnce<{ id: string }>(`SELECT t.id FROM ${linesAs(kind)} JOIN ${OTHER[kind]}`, [
        arrayOf(lines),
      ]),
    );
    return rows.map(({ id }) => id);
  }

  /**
   * The pairs that exist and to which these items would be added: how many, and how many items they have now.
   *
   * @throws UnusableRows
   */
  async pairsGrowing(lines: readonly string[]): Promise<PairGrowth[]> {
    const existing = await usable(existingOf(this.db, lines));
    const growing = await usable(
      this.db.runOnce<{ id: string; key: string; added: number }>(
        `SELECT p.id, p.key, count(*)::int AS added FROM ${linesAs('items')} JOIN pair p ON p.key = r.pair->>'key'
         WHERE r.id <> ALL($2::uuid[]) GROUP BY p.id, p.key`,
        [arrayOf(lines), existing],
      ),
    );
    if (growing.length === 0) return [];
    const stored = await this.db.runOnce<{ id: string; items: number }>(
      'SELECT pair_id AS id, count(*)::int AS items FROM item WHERE pair_id = ANY($1::uuid[]) GROUP BY 1',
      [growing.map(({ id }) => id)],
    );
    const sizes = new Map(stored.map(({ id, items }) => [id, items]));
    return growing.map(({ id, key, added }) => ({ key, added, stored: sizes.get(id) ?? 0 }));
  }

  /**
   * Stores items with their pairs and classes. An item is left out if its id, its external id or its content within its pair exists.
   *
   * @throws UnusableRows, or CommonspaceError BUSY
   */
  async addItems(lines: readonly string[]): Promise<Added> {
    const added = await usable(
      this.db.transaction((tx) => insertItems(tx, lines), { repeat: true, items: true }),
    );
    return { added, differing: await this.differing('items', lines) };
  }

  /**
   * Stores an encoder with its evaluation, and makes the partitions of its embeddings. It cannot be used before `finishEncoders`.
   *
   * @returns its id, its state in the archive, and whether it was not there
   * @throws UnusableRows
   */
  async addEncoder(
    line: string,
  ): Promise<{ readonly id: string; readonly state: EncoderState; readonly added: boolean }> {
    const values = [arrayOf([line])];
    const [encoder] = await usable(
      this.db.runOnce<{ id: string; state: EncoderState }>(
        `SELECT id, state FROM ${linesAs('encoders')}`,
        values,
      ),
    );
    if (encoder === undefined) throw new UnusableRows('it has no encoder');
    await this.partitions.ensureEmbeddings(encoder.id);
    const inTransaction = async (tx: Queryable) => {
      const rows = await tx.runOnce(
        `INSERT INTO encoder (id, state, failure, dimension, image_extractor, text_extractor, config, report, request, created_at,
           started_at, finished_at, activated_at, retired_at)
         SELECT id, 'failed', $2::jsonb, dimension, "imageExtractor", "textExtractor", config, report, request, "createdAt",
           "startedAt", "finishedAt", "activatedAt", "retiredAt"
         FROM ${linesAs('encoders')} ON CONFLICT DO NOTHING RETURNING 1`,
        [...values, JSON.stringify(IMPORT_UNFINISHED)],
      );
      await tx.runOnce(
        `INSERT INTO encoder_evaluation (encoder_id, state, record, failure, started_at, finished_at)
         SELECT id, evaluation->>'state', nullif(evaluation->'record', 'null'), nullif(evaluation->'failure', 'null'),
           (evaluation->>'startedAt')::timestamptz, (evaluation->>'finishedAt')::timestamptz
         FROM ${linesAs('encoders')} WHERE evaluation IS NOT NULL AND evaluation <> 'null' ON CONFLICT DO NOTHING`,
        values,
      );
      return rows.length > 0;
    };
    return { ...encoder, added: await usable(this.db.transaction(inTransaction, { repeat: true })) };
  }

  /** @throws UnusableRows without the encoder */
  async addWeights(encoderId: string, bytes: Buffer): Promise<void> {
    await usable(
      this.db.runOnce(
        `INSERT INTO encoder_weights (encoder_id, bytes, sha256) VALUES ($1::uuid, $2::bytea, $3) ON CONFLICT DO NOTHING`,
        [encoderId, `\\x${bytes.toString('hex')}`, createHash('sha256').update(bytes).digest('hex')],
      ),
    );
  }

  /**
   * Gives imported encoders their states, once all of their import is there. If another one is active already, an imported one is ready in place of
   * active.
   */
  async finishEncoders(encoders: ReadonlyMap<string, EncoderState>): Promise<void> {
    await this.db.transaction(async (tx) => {
      await lockEncoders(tx);
      for (const [id, state] of encoders) {
        await tx.runOnce(
          `UPDATE encoder SET failure = NULL, state = CASE
             WHEN $2 = 'active' AND EXISTS (SELECT 1 FROM encoder WHERE state = 'active') THEN 'ready' ELSE $2::encoder_state END
           WHERE id = $1::uuid AND state = 'failed' AND failure = $3::jsonb`,
          [id, state, JSON.stringify(IMPORT_UNFINISHED)],
        );
      }
    });
    await this.noteChange();
  }

  /** Lets servers read again what they derive from items and classes. */
  async noteChange(): Promise<void> {
    await this.changes.add();
  }
}

/** @throws UnusableRows where the database refuses the values */
async function usable<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const { code, message } = error as { code?: unknown; message: string };
    const refused = typeof code === 'string' && REFUSED.test(code);
    if (refused || error instanceof IdentityConflict) throw new UnusableRows(message, { cause: error });
    throw error;
  }
}
