/**
 * How a query ranks a gallery: by cosine similarity descending, then id ascending. Every metric, curve and list of results in
 * an evaluation goes by this order.
 */
import type { Matrix } from './matrix.js';

/** The items of one modality that take part. */
export interface RetrievalSide {
  /** [n, d], unit length. */
  readonly embeddings: Matrix;
  /** [n]; a class number, −1 for none. */
  readonly classes: Int32Array;
  /** [n]; items of one pair share a number, −1 for none. A text may have several pictures. */
  readonly pairs: Int32Array;
  /** [n]; decides ties, ascending. Without it the order of the rows does. */
  readonly ids?: readonly string[];
}

/** Similarities closer than this count as equal, so that rounding does not decide a tie. */
const SIMILARITY_RESOLUTION = 2 ** -31;
const MAX_GALLERY = 2 ** 20;

/**
 * Ranks the gallery for one query: item numbers, best first.
 *
 * A similarity (32 bits) and the item's place by id (20 bits) make one exact float64, so one native sort of numbers
 * gives the order with its tie-break: about a tenth of a millisecond for 1900 items.
 */
export function createRanker(gallery: RetrievalSide): (query: Float32Array) => Int32Array {
  const { rows, columns, data } = gallery.embeddings;
  if (rows > MAX_GALLERY)
    throw new RangeError(`a gallery of more than ${MAX_GALLERY} items is not supported`);
  const byId = Int32Array.from({ length: rows }, (_, i) => i);
  const { ids } = gallery;
  if (ids)
    byId.sort((a, b) => ((ids[a] as string) < (ids[b] as string) ? -1 : ids[a] === ids[b] ? a - b : 1));
  const keys = new Float64Array(rows);
  const ranking = new Int32Array(rows);
  return (query) => {
    for (let place = 0; place < rows; place += 1) {
      const start = (byId[place] as number) * columns;
      let similarity = 0;
      for (let j = 0; j < columns; j += 1) similarity += (query[j] as number) * (data[start + j] as number);
      const distance = Math.round((1 - Math.min(1, Math.max(-1, similarity))) / SIMILARITY_RESOLUTION);
      keys[place] = distance * MAX_GALLERY + place;
    }
    keys.sort();
    for (let rank = 0; rank < rows; rank += 1)
      ranking[rank] = byId[(keys[rank] as number) % MAX_GALLERY] as number;
    return ranking;
  };
}
