import type { Catalog, CatalogDescription } from '../catalog/catalog.js';
import { DEFAULT_VERSIONS, type VersionPolicy } from '../domain/encoder-status.js';
import type { BackendReport, FeatureExtractors } from '../features/types.js';
import type { FetchPolicy } from '../media/fetch-image.js';
import type { MediaStore } from '../media/media-store.js';
import { ActiveEncoder } from './active-encoder.js';
import { ClassPrototypes } from './class-prototypes.js';
import { ClassService } from './class-service.js';
import { Activation } from './encoders/activation.js';
import { EncoderService } from './encoders/encoder-service.js';
import { PromotionGate } from './encoders/promotion.js';
import { EvaluationService } from './evaluation/evaluation-service.js';
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
import { Checkpoints } from './training/checkpoints.js';
import { TrainingRunner } from './training/training-runner.js';
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
  readonly evaluations: EvaluationService;
  readonly encoders: EncoderService;
  /** Works on queued trainings once it is started. */
  readonly trainingRunner: TrainingRunner;
}

/** The parts that services put together. */
export interface Parts {
  readonly catalog: Catalog;
  readonly features: FeatureExtractors;
  readonly media: MediaStore;
  readonly fetchPolicy: FetchPolicy;
  /** Where each run keeps its files, in a folder of its own. */
  readonly runsFolder: string;
  readonly versions?: VersionPolicy;
  readonly reportUnexpected: ReportUnexpected;
}

/** The services on top of the parts. */
export function createServices(parts: Parts): Services {
  const { catalog, features, media, fetchPolicy, reportUnexpected, versions = DEFAULT_VERSIONS } = parts;
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
  const checkpoints = new Checkpoints(parts.runsFolder);
  const gate = new PromotionGate(catalog, versions.tolerance);
  const versionService = new EncoderService(
    catalog,
    new Activation(catalog, encoders, gate),
    checkpoints,
    versions.keepRetired,
  );
  const runParts = { catalog, media, features, classes: prototypes, checkpoints };
  const trainingRunner = new TrainingRunner(runParts, versionService, reportUnexpected);
  return {
    items: new ItemService(catalog, media, filters),
    classes: new ClassService(catalog, encoders, prototypes, queries, filters),
    ingest,
    folderIngest: new FolderIngest(ingest),
    search: new SearchService(catalog, features, encoders, queries, filters),
    explanations: new ExplanationService(catalog, prototypes),
    media: new MediaService(catalog, media),
    training: new TrainingService(runParts, trainingRunner, versionService, filters),
    evaluations: new EvaluationService(catalog, media, prototypes, parts.runsFolder),
    encoders: versionService,
    trainingRunner,
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
