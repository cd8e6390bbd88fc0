import type { Catalog, CatalogDescription } from '../catalog/catalog.js';
import type { BackendReport, FeatureExtractors } from '../features/types.js';
import type { FetchPolicy } from '../media/fetch-image.js';
import type { MediaStore } from '../media/media-store.js';
import { ActiveEncoder } from './active-encoder.js';
import { ClassPrototypes } from './class-prototypes.js';
import { ClassService } from './class-service.js';
import { ExplanationService } from './explanation-service.js';
import { FilterCheck } from './filter-check.js';
import { FolderIngest } from './folder-ingest.js';
import { ImageSources } from './image-source.js';
import type { ReportUnexpected } from './ingest-answers.js';
import { IngestPreparation } from './ingest-preparation.js';
import { IngestService } from './ingest-service.js';
import { ItemService } from './item-service.js';
import { MediaService } from './media-service.js';
import { QueryReader } from './query-reader.js';
import { SearchService } from './search-service.js';
import { TrainingService } from './training-service.js';

/** What the product does, for whoever asks: HTTP, the command line, the demo. */
export interface Services {
  readonly items: ItemService;
  readonly classes: ClassService;
  readonly ingest: IngestService;
  readonly folderIngest: FolderIngest;
  readonly search: SearchService;
  readonly explanations: ExplanationService;
  readonly media: MediaService;
  readonly training: TrainingService;
}

/** The parts that services put together. */
export interface Parts {
  readonly catalog: Catalog;
  readonly features: FeatureExtractors;
  readonly media: MediaStore;
  readonly fetchPolicy: FetchPolicy;
  readonly reportUnexpected: ReportUnexpected;
}

/** The services on top of the parts. */
export function createServices({ catalog, features, media, fetchPolicy, reportUnexpected }: Parts): Services {
  const encoders = new ActiveEncoder(catalog, features);
  const images = new ImageSources(catalog, media, fetchPolicy);
  const prototypes = new ClassPrototypes(catalog, features, encoders);
  const queries = new QueryReader(catalog, features, encoders, images, prototypes);
  const filters = new FilterCheck(catalog);
  const ingest = new IngestService(
    catalog,
    media,
    features,
    encoders,
    new IngestPreparation(media, features, images),
    reportUnexpected,
  );
  return {
    items: new ItemService(catalog, media, filters),
    classes: new ClassService(catalog, encoders, prototypes, queries, filters),
    ingest,
    folderIngest: new FolderIngest(ingest),
    search: new SearchService(catalog, features, encoders, queries, filters),
    explanations: new ExplanationService(catalog, prototypes),
    media: new MediaService(catalog, media),
    training: new TrainingService(catalog, media, features, prototypes, filters),
  };
}

/** Services with the ends of their parts' lives: what a command works with. */
export interface App extends Services {
  /** What is in use. */
  describe(): Promise<AppDescription>;
  /** Tidies the database up after much was written; see Catalog. */
  maintain(): Promise<void>;
  /** Loads the models, so that the first search is as fast as the next. */
  warmUp(): Promise<void>;
  close(): Promise<void>;
}

export interface AppDescription {
  readonly database: CatalogDescription & { readonly kind: Catalog['kind'] };
  readonly imageExtractor: string;
  readonly textExtractor: string;
  /** What runs the networks, and why. */
  readonly backend: BackendReport;
}
