import { z } from 'zod';
import type { PictureHash } from '../../domain/picture-hash.js';
import type { Database } from '../postgres/database.js';
import { encodeUuidArray } from './vector-codec.js';
import { embeddingPartition, type VectorPartition, type VectorPartitions } from './vector-partitions.js';

const nearRows = z.array(
  z.object({
    id: z.string(),
    hash: z.string().nullable(),
    detail: z.instanceof(Buffer).nullable(),
    similarity: z.number(),
  }),
);

/** Images whose neighbours are looked up at once, each on a connection of its own. */
const AT_ONCE = 4;

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
    const embeddings = await this.db.run<{ id: string; vec: Buffer }>(
      `SELECT item_id AS id, vector_send(vec) AS vec FROM ${partition.name} WHERE item_id = ANY($1::uuid[])`,
      [encodeUuidArray(imageIds)],
    );
    const found: NearImage[] = [];
    for (let start = 0; start < embeddings.length; start += AT_ONCE) {
      const part = embeddings.slice(start, start + AT_ONCE);
      const near = await Promise.all(
        part.map(({ id, vec }) => this.ofOne(partition, id, vec, { threshold, limit })),
      );
      found.push(...near.flat());
    }
    return found;
  }

  /** @param vec as vector_send gives it, which is also the format of a parameter */
  private async ofOne(
    { name, index }: VectorPartition,
    of: string,
    vec: Buffer,
    { threshold, limit }: { readonly threshold: number; readonly limit: number },
  ): Promise<NearImage[]> {
    // The index orders by halfvec where it holds halfvec, and approximately; the exact similarity is computed after.
    const order = index === null ? 'd, id' : `(v.vec::${index}) <#> $1::vector::${index}`;
    const rows = await this.db.run(
      `SELECT n.id, i.perceptual_hash AS hash, i.perceptual_detail AS detail, -n.d AS similarity
       FROM (SELECT v.item_id AS id, v.vec <#> $1::vector AS d FROM ${name} v ORDER BY ${order} LIMIT $2) n
         JOIN item i ON i.id = n.id
       WHERE -n.d >= $3 AND n.id <> $4::uuid`,
      // The image itself is the nearest.
      [vec, limit + 1, threshold, of],
    );
    return nearRows.parse(rows).map(({ id, hash, detail, similarity }) => ({
      of,
      id,
      picture:
        hash === null || detail === null ? null : { hash: BigInt(hash), detail: new Uint8Array(detail) },
      similarity: Math.min(1, similarity),
    }));
  }
}
