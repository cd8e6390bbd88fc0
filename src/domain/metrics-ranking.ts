/**
 * Ranking of a gallery for a query: by cosine similarity descending, then id ascending. All metrics, curves and result lists of
 * an evaluation use this order.
 */
import type { Matrix } from './matrix.js';

/** The items of one modality in an evaluation. */
export interface RetrievalSide {
  /** [n, d], unit length. */
  readonly embeddings: Matrix;
  /** [n]; class number, −1 for none. */
  readonly classes: Int32Array;
  /** [n]; pair number, equal for all items of a pair, −1 for none. A text may have several pictures. */
  readonly pairs: Int32Array;
  /** [n]; breaks ties, ascending. Without ids, the order of the rows does. */
  readonly ids?: readonly string[];
}

/** Similarities that differ by less are equal, so that rounding errors do not decide a tie. */
const SIMILARITY_RESOLUTION = 2 ** -31;
const MAX_GALLERY = 2 ** 20;

/**
 * Orders items by similarity, descending, and equal ones as they are given. The result is overwritten by the next call.
 *
 * A similarity (32 bits) and the position of the item (20 bits) fit into one exact float64, so a native sort of numbers gives
 * the order with its tie-break: about 0.1 ms for 1900 items.
 *
 * @param items at most 2^20 item numbers, in the order of their tie-break
 */
export function createOrder(items: Int32Array): (similarityOf: (item: number) => number) => Int32Array {
  const count = items.length;
  if (count > MAX_GALLERY)
    throw new RangeError(`a gallery of more than ${MAX_GALLERY} items is not supported`);
  const keys = new Float64Array(count);
  const ranking = new Int32Array(count);
  return (similarityOf) => {
    for (let index = 0; index < count; index += 1) {
      const similarity = similarityOf(items[index] as number);
      const distance = Math.round((1 - Math.min(1, Math.max(-1, similarity))) / SIMILARITY_RESOLUTION);
      keys[index] = distance * MAX_GALLERY + index;
    }
    keys.sort();
    for (let rank = 0; rank < count; rank += 1)
      ranking[rank] = items[(keys[rank] as number) % MAX_GALLERY] as number;
    return ranking;
  };
}

/** Ranks the gallery for one query: item numbers, best first. */
export function createRanker(gallery: RetrievalSide): (query: Float32Array) => Int32Array {
  const { rows, columns, data } = gallery.embeddings;
  const byId = Int32Array.from({ length: rows }, (_, i) => i);
  const { ids } = gallery;
  if (ids)
    byId.sort((a, b) => ((ids[a] as string) < (ids[b] as string) ? -1 : ids[a] === ids[b] ? a - b : 1));
  const order = createOrder(byId);
  return (query) =>
    order((item) => {
      const start = item * columns;
      let similarity = 0;
      for (let j = 0; j < columns; j += 1) similarity += (query[j] as number) * (data[start + j] as number);
      return similarity;
    });
}
