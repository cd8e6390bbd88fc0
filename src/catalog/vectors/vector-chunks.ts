import type { Queryable } from '../postgres/database.js';
import type { VectorChunk } from '../types.js';
import { decodeVectors } from './vector-codec.js';

/** Floats in one statement or chunk: 2 MB. The embedded server copies a message again for every 64 KB that arrive. */
export const CHUNK_FLOATS = 512 * 1024;

/**
 * The vectors of a partition by ascending item id, some at a time, each chunk a statement of its own: others get their
 * turn between. `condition` is about the partition's alias `t`.
 */
export async function* chunksOf(
  on: Queryable,
  table: string,
  condition = 'true',
  floats = CHUNK_FLOATS,
): AsyncGenerator<VectorChunk> {
  let after = '00000000-0000-0000-0000-000000000000';
  // Of how many columns they are, the first ones tell.
  let rows = Math.min(256, Math.ceil(floats / 2048));
  for (;;) {
    const [chunk] = await on.run<{ ids: string[] | null; vectors: Buffer | null }>(
      `SELECT array_agg(item_id::text) AS ids, string_agg(vector_send(vec), '') AS vectors
       FROM (SELECT item_id, vec FROM ${table} t WHERE item_id > $1::uuid AND ${condition}
             ORDER BY item_id LIMIT $2) v`,
      [after, rows],
    );
    if (!chunk?.ids || !chunk.vectors) return;
    const { columns, data } = decodeVectors(chunk.vectors);
    yield { ids: chunk.ids, matrix: { data, rows: chunk.ids.length, columns } };
    after = chunk.ids.at(-1) ?? after;
    rows = Math.max(1, Math.floor(floats / columns));
  }
}
