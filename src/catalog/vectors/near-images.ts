import { z } from 'zod';
import type { PictureHash } from '../../domain/picture-hash.js';
import type { Database } from '../postgres/database.js';
import { encodeUuidArray } from './vector-codec.js';
import { embeddingPartition, type VectorPartitions } from './vector-partitions.js';

const nearRows = z.array(
  z.object({
    of: z.string(),
    id: z.string(),
    hash: z.string().nullable(),
    detail: z.instanceof(Buffer).nullable(),
    similarity: z.number(),
  }),
);

/** An image that is similar to another one. */
export interface NearImage {
  /** The id of the image that it is similar to. */
  readonly of: string;
  readonly id: string;
  /** Null if it has no hash. */
  readonly picture: PictureHash | null;
  /** Cosine similarity. */
  readonly similarity: number;
}

/** Similar images, by their embeddings. */
export class NearImages {
  constructor(
    private readonly db: Database,
    private readonly partitions: VectorPartitions,
  ) {}

  /**
   * Of the `limit` nearest images of each given one, those whose similarity is at least `threshold`. Approximate if the
   * partition has an index. Images without an embedding are near none.
   */
  async of(
    encoderId: string,
    imageIds: readonly string[],
    { threshold, limit }: { readonly threshold: number; readonly limit: number },
  ): Promise<NearImage[]> {
    const partition = await this.partitions.find(embeddingPartition(encoderId, 'IMAGE'));
    if (partition === null) return [];
    const { name, index } = partition;
    // The index orders by halfvec where it holds halfvec, and approximately; the exact similarity is computed after.
    const order = index === null ? 'v.vec <#> e.vec, v.item_id' : `(v.vec::${index}) <#> e.vec::${index}`;
    const rows = await this.db.run(
      `SELECT e.item_id AS of, n.id, i.perceptual_hash AS hash, i.perceptual_detail AS detail, n.similarity
       FROM unnest($1::uuid[]) AS q (id) JOIN ${name} e ON e.item_id = q.id
         CROSS JOIN LATERAL (
           SELECT v.item_id AS id, -(v.vec <#> e.vec) AS similarity FROM ${name} v ORDER BY ${order} LIMIT $2) n
         JOIN item i ON i.id = n.id
       WHERE n.similarity >= $3 AND n.id <> e.item_id`,
      // The image itself is the nearest.
      [encodeUuidArray(imageIds), limit + 1, threshold],
    );
    return nearRows.parse(rows).map(({ of, id, hash, detail, similarity }) => ({
      of,
      id,
      picture:
        hash === null || detail === null ? null : { hash: BigInt(hash), detail: new Uint8Array(detail) },
      similarity: Math.min(1, similarity),
    }));
  }
}
