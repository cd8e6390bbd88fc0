import type { Catalog, CatalogDescription } from '../catalog/catalog.js';
import type { LackingIndex } from '../catalog/vectors/vector-indexes.js';
import type { BackendReport } from '../features/types.js';
import type { Services } from './services.js';
import type { ExtractorReport } from './serving/extractor-report.js';

/** The services of a running application, which is closed at the end. */
export interface App extends Services {
  /** The database, extractors and tensor backend in use. */
  describe(): Promise<AppDescription>;
  /** The servers that the database is distributed over. */
  readonly nodes: Catalog['nodes'];
  /** Builds the missing indexes and maintains the database; see Catalog.maintain. Call it after a large ingest. */
  maintain(): Promise<void>;
  /** Loads the models, so that the first search is as fast as later ones. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

interface AppDescription {
  readonly database: CatalogDescription & { readonly kind: Catalog['kind'] };
  /** Where the pictures are. */
  readonly media: string;
  /** The configured one. */
  readonly imageExtractor: string;
  readonly textExtractor: string;
  readonly imageExtractors: readonly ExtractorReport[];
  readonly textExtractors: readonly ExtractorReport[];
  /** Partitions whose vector index is missing or being built; searches compare all their rows. */
  readonly lackingIndexes: readonly LackingIndex[];
  /** The tensor backend, and why it was chosen. */
  readonly backend: BackendReport;
}
