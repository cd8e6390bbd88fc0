import { dirname } from 'node:path';
import type { Catalog } from '../catalog/catalog.js';
import type { PerMinute } from '../domain/access.js';
import { DEFAULT_VERSIONS, type VersionPolicy } from '../domain/encoder-status.js';
import type { ReportUnexpected } from '../domain/errors.js';
import type { FeatureExtractors } from '../features/types.js';
import type { FetchPolicy } from '../media/fetch-image.js';
import type { MediaStore } from '../media/media-store.js';
import { ApiKeys } from './access/api-keys.js';
import { BudgetExchange } from './access/budget-exchange.js';
import { Budgets } from './access/budgets.js';
import { Positions } from './access/positions.js';
import { Sessions } from './access/sessions.js';
import { Signatures } from './access/signatures.js';
import { SignedMedia } from './access/signed-media.js';
import { ArchiveExport } from './archive/archive-export.js';
import { ArchiveImport } from './archive/archive-import.js';
import { Backup } from './backup/backup.js';
import { Checks } from './checks/checks.js';
import { EncoderHealthService } from './drift/encoder-health.js';
import { QuerySampler, type SamplerOptions } from './drift/query-sampler.js';
import { Activation } from './encoders/activation.js';
import { Checkpoints } from './encoders/checkpoints.js';
import { EncoderService } from './encoders/encoder-service.js';
import { type Calibration, type CalibrationHooks, FusionCalibration } from './encoders/fusion-calibration.js';
import { PromotionGate } from './encoders/promotion.js';
import { TrainingRunner } from './encoders/training-runner.js';
import { TrainingService } from './encoders/training-service.js';
import { Upkeep } from './encoders/upkeep.js';
import { EvaluationJobs } from './evaluate/evaluation-jobs.js';
import { EvaluationService } from './evaluate/evaluation-service.js';
import { ModelService } from './evaluate/model-service.js';
import { SearchQualityService } from './evaluate/search-quality/search-quality-service.js';
import { FeatureExtraction } from './ingest/feature-extraction.js';
import { IngestPreparation } from './ingest/ingest-preparation.js';
import { IngestService } from './ingest/ingest-service.js';
import { IngestSnapshots } from './ingest/ingest-snapshot.js';
import { IngestWriter } from './ingest/ingest-writer.js';
import { ItemUpdates } from './ingest/item-updates.js';
import { MediaService } from './ingest/media-service.js';
import { type BulkParts, createJobServices, type JobServices } from './job-services.js';
import { storedKind } from './jobs/job-kind.js';
import { OwnJobs } from './jobs/own-jobs.js';
import { ChangeFeed } from './search/change-feed.js';
import { ClassChanges } from './search/class-changes.js';
import { ClassService } from './search/class-service.js';
import { DuplicateService } from './search/duplicate-service.js';
import { ExplanationService } from './search/explanation-service.js';
import { FacetService } from './search/facet-service.js';
import { FilterCheck } from './search/filter-check.js';
import { ItemService } from './search/item-service.js';
import { MapSchedule } from './search/map/map-schedule.js';
import { MapService } from './search/map/map-service.js';
import { projectionJob } from './search/map/projection-job.js';
import { QueryReader } from './search/query-reader.js';
import { SearchService } from './search/search-service.js';
import { ActiveEncoder } from './serving/active-encoder.js';
import { ClassPrototypes } from './serving/class-prototypes.js';
import { ClassStatistics } from './serving/class-statistics.js';
import { createImageExtractors, createTextExtractors } from './serving/create-extractors.js';
import { extractionJob } from './serving/extraction-job.js';
import type { ImageExtractors, TextExtractors } from './serving/extractors-in-use.js';
import { FeatureBackfill } from './serving/feature-backfill.js';
import { HashBackfill } from './serving/hash-backfill.js';
import { ImageSources } from './serving/image-source.js';
import { IndexUpkeep } from './serving/index-upkeep.js';
import { GaugeReader } from './status/gauges.js';
import { ServerFigures } from './status/server-figures.js';

/** The services, for HTTP, the command line and the demo. */
export interface Services extends JobServices {
  /** Whether the database answers: one small read. @throws CommonspaceError DATABASE_UNREACHABLE, BUSY */
  readonly ping: () => Promise<void>;
  readonly items: ItemService;
  readonly changeFeed: ChangeFeed;
  readonly classes: ClassService;
  readonly classChanges: ClassChanges;
  readonly ingest: IngestService;
  readonly itemUpdates: ItemUpdates;
  readonly search: SearchService;
  readonly facets: FacetService;
  readonly duplicates: DuplicateService;
  readonly explanations: ExplanationService;
  readonly media: MediaService;
  readonly map: MapService;
  /** Begins maps, once it is started. */
  readonly mapSchedule: MapSchedule;
  readonly training: TrainingService;
  readonly evaluations: EvaluationService;
  readonly evaluationJobs: EvaluationJobs;
  readonly searchQuality: SearchQualityService;
  readonly encoders: EncoderService;
  readonly models: ModelService;
  /** Fits how the searches of the active encoder fuse evidence. */
  readonly calibrate: (hooks?: CalibrationHooks) => Promise<Calibration>;
  readonly imageExtractors: ImageExtractors;
  readonly textExtractors: TextExtractors;
  /** Extracts and embeds what live encoders lack, once it is started. */
  readonly upkeep: Upkeep;
  /** Builds the vector indexes that are missing, in the background once it is started. */
  readonly indexes: IndexUpkeep;
  readonly gauges: GaugeReader;
  readonly serverFigures: ServerFigures;
  readonly checks: Checks;
  readonly health: EncoderHealthService;
  /** Null where no queries are sampled. */
  readonly querySampler: QuerySampler | null;
  readonly keys: ApiKeys;
  readonly budgets: Budgets;
  /** Lets budgets hold over all servers, once it is started. */
  readonly budgetExchange: BudgetExchange;
  /** What reads must see where replicas answer them. */
  readonly positions: Positions;
  readonly sessions: Sessions;
  readonly signedMedia: SignedMedia;
  /** Notes a write in the audit log. It does not fail, because the write is done. */
  readonly audit: (...entry: Parameters<Catalog['audit']['add']>) => Promise<void>;
  readonly auditPage: Catalog['audit']['page'];
  readonly archiveExport: ArchiveExport;
  readonly archiveImport: ArchiveImport;
  readonly backup: Backup;
  /** Jobs that this process does because it needs their result. */
  readonly ownJobs: OwnJobs;
  /** Works on queued training runs, once it is started. */
  readonly trainingRunner: TrainingRunner;
}

/** The parts that the services use. */
export interface Parts {
  readonly catalog: Catalog;
  readonly features: FeatureExtractors;
  readonly media: MediaStore;
  /** Names of the image extractors that callers of the API may train with, in addition to the built-in ones and the configured one. */
  readonly imageModels: readonly string[];
  /** The same for text extractors. */
  readonly textModels?: readonly string[];
  readonly fetchPolicy: FetchPolicy;
  readonly bulk: BulkParts;
  /** The folder with a subfolder for the files of each run. */
  readonly runsFolder: string;
  readonly versions?: VersionPolicy;
  /** What callers may use in a minute; without a limit by default. */
  readonly perMinute?: PerMinute;
  /** How queries are sampled for `health`; null or absent: not at all. */
  readonly querySamples?: SamplerOptions | null;
  readonly reportUnexpected: ReportUnexpected;
}

/** Creates the services from the parts. */
export function createServices(parts: Parts): Services {
  const { catalog, features, media, imageModels, fetchPolicy, reportUnexpected } = parts;
  const { versions = DEFAULT_VERSIONS, textModels = [] } = parts;
  const encoders = new ActiveEncoder(catalog);
  const images = new ImageSources(catalog, media, fetchPolicy);
  const statistics = new ClassStatistics(catalog);
  const imageExtractors = createImageExtractors(catalog, features, imageModels, reportUnexpected);
  const textExtractors = createTextExtractors(catalog, features, textModels, reportUnexpected);
  const extractors = { images: imageExtractors, texts: textExtractors };
  const prototypes = new ClassPrototypes(catalog, textExtractors, statistics);
  const queries = new QueryReader(catalog, images, extractors, prototypes);
  const filters = new FilterCheck(catalog);
  const snapshots = new IngestSnapshots(catalog, encoders, extractors);
  const extraction = new FeatureExtraction(features);
  const ingest = new IngestService(
    {
      preparation: new IngestPreparation(media, features, images),
      extraction,
      writer: new IngestWriter(catalog, media, snapshots, extraction),
    },
    snapshots,
    reportUnexpected,
  );
  const ownJobs = new OwnJobs(catalog, reportUnexpected);
  const extractionKind = extractionJob({ catalog, media, extractors, encoders });
  const backfill = new FeatureBackfill(catalog, extractionKind, ownJobs);
  const indexes = new IndexUpkeep(catalog, ownJobs, reportUnexpected);
  const checkpoints = new Checkpoints(parts.runsFolder);
  const gate = new PromotionGate(catalog, checkpoints, versions.tolerance);
  const versionService = new EncoderService(
    catalog,
    new Activation(catalog, encoders, gate, extractors, backfill, indexes),
    checkpoints,
    versions.keepRetired,
    reportUnexpected,
  );
  const calibration = new FusionCalibration(catalog, textExtractors, checkpoints);
  const runParts = {
    catalog,
    extractors,
    backfill,
    classes: prototypes,
    checkpoints,
    indexes,
    calibration,
  };
  const evaluations = new EvaluationService(
    { catalog, media, classes: prototypes, checkpoints },
    parts.runsFolder,
  );
  const keys = new ApiKeys(catalog.apiKeys);
  const signatures = new Signatures(catalog.serverSecret);
  const trainingRunner = new TrainingRunner(runParts, versionService, reportUnexpected);
  const training = new TrainingService(runParts, trainingRunner, versionService, filters);
  const budgets = new Budgets(parts.perMinute);
  const archiveImport = new ArchiveImport(catalog, media);
  const hashes = new HashBackfill(catalog, media);
  const upkeep = new Upkeep(catalog, encoders, extractors, backfill, hashes, reportUnexpected);
  const jobServices = createJobServices(
    {
      catalog,
      media,
      checkpoints,
      ingest,
      filters,
      images,
      bulk: parts.bulk,
      archiveImport,
      complete: async (signal) => {
        await upkeep.complete(signal);
        await indexes.ensure(signal);
      },
      allowanceOf: async ({ name, keyId }) =>
        budgets.of((keyId === null ? null : await keys.callerById(keyId)) ?? { name, keyId, scopes: [] }),
      fetchPolicy,
      kinds: [storedKind(extractionKind), storedKind(indexes.kind), storedKind(projectionJob(catalog))],
      reportUnexpected,
    },
    { runsFolder: parts.runsFolder, configured: [features.image.id, features.text.id] },
    (id) => training.cancel(id),
  );
  const health = new EncoderHealthService(catalog);
  const { querySamples = null } = parts;
  const querySampler = querySamples && new QuerySampler(catalog, reportUnexpected, querySamples);
  return {
    ping: async () => void (await catalog.changes.read()),
    items: new ItemService(catalog, media, filters),
    changeFeed: new ChangeFeed(catalog),
    classes: new ClassService({ catalog, encoders, prototypes, statistics }, queries, filters),
    classChanges: new ClassChanges({ catalog, prototypes }),
    ingest,
    itemUpdates: new ItemUpdates(catalog, reportUnexpected),
    search: new SearchService(catalog, encoders, queries, filters, querySampler),
    facets: new FacetService(catalog, filters),
    duplicates: new DuplicateService(catalog),
    explanations: new ExplanationService(catalog, prototypes, statistics),
    media: new MediaService(catalog, media),
    map: new MapService(catalog, encoders, queries, jobServices.jobs),
    mapSchedule: new MapSchedule(catalog, jobServices.jobs, reportUnexpected),
    training,
    evaluations,
    searchQuality: new SearchQualityService(catalog, textExtractors, encoders),
    evaluationJobs: new EvaluationJobs(catalog, versionService, evaluations, reportUnexpected),
    encoders: versionService,
    models: new ModelService(features, { images: imageModels, texts: textModels }),
    calibrate: async (hooks) =>
      calibration.calibrate(await encoders.require('A calibration needs the common space.'), hooks),
    imageExtractors,
    textExtractors,
    indexes,
    upkeep,
    checks: new Checks({ catalog, media, sweep: jobServices.sweep, folder: dirname(parts.runsFolder) }),
    gauges: new GaugeReader(catalog, features, indexes, health),
    serverFigures: new ServerFigures(catalog, features, indexes, parts.bulk.maxBytes),
    health,
    querySampler,
    keys,
    budgets,
    budgetExchange: new BudgetExchange(budgets, catalog.kind === 'server' ? catalog.budgetUses : null),
    positions: new Positions(catalog),
    sessions: new Sessions(signatures, keys),
    signedMedia: new SignedMedia(signatures),
    audit: (...entry) => catalog.audit.add(...entry).catch(reportUnexpected),
    auditPage: (before, limit) => catalog.audit.page(before, limit),
    archiveExport: new ArchiveExport(catalog, media, parts.runsFolder),
    archiveImport,
    backup: new Backup(catalog, media),
    ...jobServices,
    ownJobs,
    trainingRunner,
  };
}
