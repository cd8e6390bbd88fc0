/**
 * Speeds that were measured, on two shared cores. docs/scale.md names the measurement of each. None is extrapolated: where the
 * size of a catalogue lies outside of what was measured, a plan says so.
 */

/** Ingest of pictures with the built-in extractors, per core: decoding included (docs/measurements/extraction.md, 57 to 83 on two). */
export const PICTURES_PER_CORE_SECOND = 35;
/** Texts by the built-in extractor on one thread, 6.9 ms each (docs/measurements/extraction.md). */
export const TEXTS_PER_CORE_SECOND = 145;

/** Items with their pairs, classes, features and embeddings, by one writer (docs/measurements/catalogue-storage.md). */
export const ITEMS_WRITTEN_PER_SECOND = 5300;

/** The forward pass of the encoder (docs/measurements/encoder-training.md). One process does it. */
export const PICTURE_EMBEDDING_MS = 0.9;
export const TEXT_EMBEDDING_MS = 0.4;

/** p50 of a search over HTTP, one client, native Postgres, by items (docs/measurements/search-speed.md). */
export const SEARCH_MS = [
  { items: 20_000, byVector: 7.7, byText: 46.9 },
  { items: 200_000, byVector: 6.8, byText: 48 },
  { items: 2_000_000, byVector: 13.9, byText: 166.7 },
] as const;

interface Measured {
  readonly dimension: number;
  readonly ms: number;
}

/** Builds of HNSW indexes on `halfvec`, per vector and core, of 15,000 to 100,000 vectors (docs/measurements/catalogue-size.md). */
const INDEX_BUILD = [
  { dimension: 64, ms: 0.65 },
  { dimension: 1024, ms: 1.7 },
  { dimension: 2032, ms: 2.3 },
] as const;

/** Storing vectors into such indexes of 3,000 to 20,000 vectors, by processor time (the same document). */
const INDEX_INSERT = [
  { dimension: 64, ms: 1.8 },
  { dimension: 1024, ms: 4 },
  { dimension: 2032, ms: 7.6 },
] as const;

/** Milliseconds of one core for a vector in the build of an index. */
export function indexBuildMs(dimension: number): number {
  return interpolate(INDEX_BUILD, dimension);
}

/** Milliseconds of one core for a vector that is stored into an index. */
export function indexInsertMs(dimension: number): number {
  return interpolate(INDEX_INSERT, dimension);
}

/** Between the measured dimensions, and by the nearest two beyond them. */
function interpolate(
  [first, second, third]: readonly [Measured, Measured, Measured],
  dimension: number,
): number {
  const [a, b] = dimension <= second.dimension ? [first, second] : [second, third];
  return Math.max(0, a.ms + ((b.ms - a.ms) * (dimension - a.dimension)) / (b.dimension - a.dimension));
}
