import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { CommonspaceError } from '../../domain/errors.js';
import type { Database, Queryable } from '../postgres/database.js';
import { encodeUuidArray } from './vector-codec.js';

/** What an encoder or a map no longer exists for. */
const FOREIGN_KEY_VIOLATION = '23503';
const NIL = '00000000-0000-0000-0000-000000000000';

export type MapLayout = 'PCA' | 'NEIGHBOURS';

export interface MapBounds {
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
  readonly top: number;
}

/** A complete map of an encoder's common space. */
export interface ProjectionRow extends MapBounds {
  readonly id: string;
  readonly layout: MapLayout;
  /** Share of the variance in the principal plane. */
  readonly explained: number;
  /** Items that had a point when it was completed. */
  readonly points: number;
  readonly completedAt: Date;
}

/** Points by ascending item id. Entry i of each array is of the same item. */
export interface PointPage {
  /** 16 bytes each. */
  readonly ids: Buffer;
  /** Little-endian float32: x, y. */
  readonly positions: Buffer;
  /** A byte each: 0 an image, 1 a text. */
  readonly modalities: Buffer;
  /** A byte each: the index of the first of the given classes that the item has, 255 without one. */
  readonly classes: Buffer;
  readonly lastId: string | null;
}

export interface MapPosition {
  readonly id: string;
  readonly x: number;
  readonly y: number;
}

const bytes = z.instanceof(Buffer).nullable();
const pageRow = z.object({
  ids: bytes,
  positions: bytes,
  modalities: bytes,
  classes: bytes,
  last: z.string().nullable(),
});
const EMPTY = Buffer.alloc(0);

/** Removes the points of items, in the transaction that deletes them. */
export async function removePoints(tx: Queryable, itemIds: readonly string[]): Promise<void> {
  await tx.run('DELETE FROM vectors.projection_point WHERE item_id = ANY($1::uuid[])', [
    encodeUuidArray(itemIds),
  ]);
}

/** Maps of encoders: where each item is in two dimensions. The points of a map go with the item and with the encoder. */
export class MapPoints {
  constructor(private readonly db: Database) {}

  /** The map to show; null before one is complete. */
  async current(encoderId: string): Promise<ProjectionRow | null> {
    const [row] = await this.db.run<ProjectionRow>(
      `SELECT id, layout, explained, points, "left", "right", bottom, top, completed_at AS "completedAt"
       FROM vectors.projection WHERE encoder_id = $1 AND completed_at IS NOT NULL
       ORDER BY completed_at DESC, id DESC LIMIT 1`,
      [encoderId],
    );
    return row ?? null;
  }

  /**
   * A new map, which is not shown before it is complete. Removes what an interrupted one left.
   *
   * @returns its id
   * @throws CommonspaceError ENCODER_NOT_FOUND
   */
  async begin(encoderId: string, layout: MapLayout, explained: number): Promise<string> {
    await this.db.run('DELETE FROM vectors.projection WHERE encoder_id = $1 AND completed_at IS NULL', [
      encoderId,
    ]);
    const id = uuidv7();
    await unlessRemoved(
      this.db.run(
        'INSERT INTO vectors.projection (id, encoder_id, layout, explained) VALUES ($1, $2, $3, $4)',
        [id, encoderId, layout, explained],
      ),
    );
    return id;
  }

  /** Stores points; those of items that are gone are left out. @param positions [ids.length · 2] @throws CommonspaceError ENCODER_NOT_FOUND */
  async add(projectionId: string, ids: readonly string[], positions: Float32Array): Promise<void> {
    const axis = (offset: number) => ids.map((_, i) => positions[2 * i + offset] as number);
    await unlessRemoved(
      this.db.run(
        `INSERT INTO vectors.projection_point (projection_id, item_id, x, y)
         SELECT $1, i.id, p.x, p.y FROM unnest($2::uuid[], $3::real[], $4::real[]) AS p (id, x, y) JOIN item i ON i.id = p.id
         ORDER BY i.id`,
        [projectionId, encodeUuidArray(ids), axis(0), axis(1)],
      ),
    );
  }

  /** Shows a map in place of the ones before it, which are removed. */
  async complete(projectionId: string, { left, right, bottom, top }: MapBounds): Promise<void> {
    await this.db.run(
      `UPDATE vectors.projection SET completed_at = clock_timestamp(), "left" = $2, "right" = $3, bottom = $4, top = $5,
         points = (SELECT count(*) FROM vectors.projection_point WHERE projection_id = $1)
       WHERE id = $1`,
      [projectionId, left, right, bottom, top],
    );
    await this.db.run(
      `DELETE FROM vectors.projection p USING vectors.projection q
       WHERE q.id = $1 AND p.encoder_id = q.encoder_id AND p.id <> q.id`,
      [projectionId],
    );
  }

  /** Points after an item, at most `limit`. The bytes are joined by the database, because a row for each point costs ten times as much. */
  async page(
    projectionId: string,
    afterId: string | null,
    limit: number,
    classIds: readonly string[],
  ): Promise<PointPage> {
    const [row] = await this.db.run(
      `SELECT string_agg(uuid_send(item_id), '' ORDER BY item_id) AS ids,
         string_agg(float4send(x) || float4send(y), '' ORDER BY item_id) AS positions,
         string_agg(CASE modality WHEN 'IMAGE' THEN '\\x00'::bytea ELSE '\\x01'::bytea END, '' ORDER BY item_id) AS modalities,
         string_agg(set_byte('\\x00'::bytea, 0, coalesce(class, 255)), '' ORDER BY item_id) AS classes,
         max(item_id::text) AS last
       FROM (
         WITH p AS MATERIALIZED (
           SELECT item_id, x, y FROM vectors.projection_point
           WHERE projection_id = $1 AND item_id > $2::uuid ORDER BY item_id LIMIT $3)
         SELECT p.item_id, p.x, p.y, i.modality, (
             SELECT min(array_position($4::uuid[], c.class_id)) - 1 FROM item_class c
             WHERE c.item_id = i.id AND c.home = i.home AND c.class_id = ANY($4::uuid[])) AS class
         FROM p JOIN item i ON i.id = p.item_id) points`,
      [projectionId, afterId ?? NIL, limit, encodeUuidArray(classIds)],
    );
    const { ids, positions, modalities, classes, last } = pageRow.parse(row);
    return {
      ids: ids ?? EMPTY,
      // The database writes the highest byte first.
      positions: positions === null ? EMPTY : Buffer.from(positions).swap32(),
      modalities: modalities ?? EMPTY,
      classes: classes ?? EMPTY,
      lastId: last,
    };
  }

  /** Where these items are; without those that have no point. */
  async positions(projectionId: string, ids: readonly string[]): Promise<MapPosition[]> {
    return await this.db.run<MapPosition>(
      `SELECT item_id AS id, x, y FROM vectors.projection_point
       WHERE projection_id = $1 AND item_id = ANY($2::uuid[])`,
      [projectionId, encodeUuidArray(ids)],
    );
  }

  /** How many items were stored at or after a time. */
  async itemsSince(time: Date): Promise<number> {
    const [row] = await this.db.run<{ count: number }>(
      'SELECT count(*)::int AS count FROM item WHERE created_at >= $1',
      [time.toISOString()],
    );
    return row?.count ?? 0;
  }
}

/** The encoder of a map can be removed, and with it the map, while it is made. */
async function unlessRemoved(insertion: Promise<unknown>): Promise<void> {
  try {
    await insertion;
  } catch (error) {
    if ((error as { code?: string }).code !== FOREIGN_KEY_VIOLATION) throw error;
    throw new CommonspaceError('ENCODER_NOT_FOUND', 'The encoder was removed meanwhile.', [], {
      cause: error,
    });
  }
}
