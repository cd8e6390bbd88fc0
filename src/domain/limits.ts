/** Limits on inputs; docs/operations.md lists them. The limits themselves are allowed values. */
export const LIMITS = {
  /** Characters (UTF-16 units) of a text to store or to search for. */
  textCharacters: 10_000,
  externalIdCharacters: 512,
  pairKeyCharacters: 512,
  titleCharacters: 1_000,
  classNameCharacters: 200,
  classDescriptionCharacters: 2_000,
  classesPerItem: 64,
  /** Classes that one call merges into another one. */
  classesPerMerge: 100,
  /** Items with the same pair key. */
  itemsPerPair: 64,
  /** Characters of an item's metadata as JSON. */
  metadataCharacters: 65_536,
  /** Objects and lists within each other in an item's metadata. */
  metadataLevels: 100,
  /** Items in one ingest call; ids in one deletion. */
  itemsPerCall: 1_000,
  /** Characters of what external ids of a bulk ingest begin with. */
  bulkPrefixCharacters: 200,
  /** Rows of a source that a preview describes. */
  bulkPreviewRows: 50,
  /** Bytes that one request fetches from addresses, in all. */
  fetchedBytes: 512 * 2 ** 20,
  searchPageSize: 100,
  /** Queries that one search combines. */
  queryParts: 16,
  itemPageSize: 100,
  changePageSize: 500,
  classPageSize: 200,
  encoderPageSize: 100,
  /** Jobs, and failures of a job. */
  jobPageSize: 100,
  keyPageSize: 100,
  /** Points of a map on one page: 350 kB. */
  mapPageSize: 10_000,
  /** Classes that the points of a map are told by. */
  mapClasses: 250,
  counterpartPageSize: 100,
  duplicatePageSize: 50,
  /** Ids in one request for nodes. */
  nodesPerCall: 100,
  /** Classes of a facet, and values of each metadata key. */
  facetValues: 100,
  /** Metadata keys in one request for facets. */
  facetKeys: 20,
  /** Terms of a filter, including those nested in and/or/not. A list of ids is one term. */
  filterTerms: 100,
  /** Ids in a filter, including those nested in and/or/not. */
  filterIds: 1_000,
} as const;
