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

/** Builds of HNSW indexes on `halfvec`, per vector and core, of 15,000 to 100,000 vectors (docs/measurements/catalogue-size.md). */
const INDEX_BUILD_MS = [
  { dimension: 64, ms: 0.65 },
  { dimension: 1024, ms: 1.7 },
  { dimension: 2032, ms: 2.3 },
] as const;

/** Interpolated between the measured dimensions, and by the nearest two beyond them. */
export function indexBuildMs(dimension: number): number {
  const [first, second, third] = INDEX_BUILD_MS;
  const [a, b] = dimension <= second.dimension ? [first, second] : [second, third];
  return Math.max(0, a.ms + ((b.ms - a.ms) * (dimension - a.dimension)) / (b.dimension - a.dimension));
}
