/** Limits on what callers may send; docs/operations.md lists them. Counts are inclusive. */
export const LIMITS = {
  /** Characters (UTF-16 units) of a text, stored or asked for. */
  textCharacters: 10_000,
  externalIdCharacters: 512,
  pairKeyCharacters: 512,
  titleCharacters: 1_000,
  classNameCharacters: 200,
  classDescriptionCharacters: 2_000,
  classesPerItem: 64,
  /** Characters of an item's metadata as JSON. */
  metadataCharacters: 65_536,
  /** Items in one ingest call, ids in one deletion. */
  itemsPerCall: 1_000,
  searchPageSize: 100,
  itemPageSize: 100,
  classPageSize: 200,
  encoderPageSize: 100,
  /** Nested and/or/not, and terms in all of them together. */
  filterTerms: 100,
} as const;
