import type { Catalog } from '../catalog/catalog.js';
import type { ReportUnexpected } from '../domain/errors.js';
import type { FetchPolicy } from '../media/fetch-image.js';
import type { MediaStore } from '../media/media-store.js';
import type { ArchiveImport } from './archive/archive-import.js';
import { importJob } from './archive/import-job.js';
import { ImportJobs } from './archive/import-jobs.js';
import type { Checkpoints } from './encoders/checkpoints.js';
import { BulkFiles } from './ingest/bulk/bulk-files.js';
import { BulkIngest } from './ingest/bulk/bulk-ingest.js';
import { BulkJobs } from './ingest/bulk/bulk-jobs.js';
import { BulkPreviews } from './ingest/bulk/bulk-preview.js';
import { BulkSources } from './ingest/bulk/bulk-sources.js';
import { ingestJob } from './ingest/bulk/ingest-job.js';
import { SourceFolders } from './ingest/bulk/source-folders.js';
import type { IngestService } from './ingest/ingest-service.js';
import { type AnyJobKind, storedKind } from './jobs/job-kind.js';
import { type AllowanceOf, JobRunner } from './jobs/job-runner.js';
import { JobService } from './jobs/job-service.js';
import { deletionJob } from './search/deletion-job.js';
import { Deletions } from './search/deletions.js';
import type { FilterCheck } from './search/filter-check.js';
import type { ImageSources } from './serving/image-source.js';
import { Sweep } from './sweep/sweep.js';
import { sweepJob } from './sweep/sweep-job.js';
import { SPARED_MS, SweepSchedule } from './sweep/sweep-schedule.js';

/** Jobs, and what begins them. */
export interface JobServices {
  readonly jobs: JobService;
  /** Works on queued jobs, once it is started. */
  readonly jobRunner: JobRunner;
  readonly bulkIngest: BulkIngest;
  readonly bulkFiles: BulkFiles;
  readonly bulkJobs: BulkJobs;
  readonly bulkPreviews: BulkPreviews;
  readonly importJobs: ImportJobs;
  readonly deletions: Deletions;
  readonly sweep: Sweep;
  /** Sweeps from time to time, once it is started. */
  readonly sweepSchedule: SweepSchedule;
}

export interface BulkParts {
  /** The folder of uploaded files. */
  readonly folder: string;
  /** Bytes of an uploaded file, or one at an address, at most. */
  readonly maxBytes: number;
  /** Paths of folders that callers may ingest from. */
  readonly sources: readonly string[];
}

interface JobParts {
  readonly catalog: Catalog;
  readonly media: MediaStore;
  readonly checkpoints: Checkpoints;
  readonly ingest: IngestService;
  readonly filters: FilterCheck;
  readonly images: ImageSources;
  readonly bulk: BulkParts;
  readonly archiveImport: ArchiveImport;
  /** Embeds what live encoders lack, and builds missing indexes. */
  readonly complete: (signal: AbortSignal) => Promise<void>;
  readonly allowanceOf: AllowanceOf;
  readonly fetchPolicy: FetchPolicy;
  /** Kinds of jobs of other services. */
  readonly kinds: readonly AnyJobKind[];
  readonly reportUnexpected: ReportUnexpected;
}

/**
 * Creates the services of jobs. Every kind of job that a process can do is registered here.
 *
 * @param swept the folder of runs, and the ids of the configured extractors
 */
export function createJobServices(
  parts: JobParts,
  swept: { readonly runsFolder: string; readonly configured: readonly string[] },
  cancelTraining: (id: string) => Promise<unknown>,
): JobServices {
  const { catalog, media, checkpoints, filters, bulk, fetchPolicy, reportUnexpected } = parts;
  const bulkFiles = new BulkFiles(bulk.folder, bulk.maxBytes, fetchPolicy, media.sharedFiles);
  const sources = new BulkSources(bulkFiles, new SourceFolders(bulk.sources));
  const bulkIngest = new BulkIngest(parts.ingest);
  const failures = catalog.jobList.failures.bind(catalog.jobList);
  const ingestKind = ingestJob({ bulk: bulkIngest, sources, failures });
  const importKind = importJob({ archive: parts.archiveImport, sources, complete: parts.complete });
  const sweep = new Sweep({ catalog, media, bulkFiles, checkpoints, ...swept });
  const sweepKind = sweepJob(sweep);
  const deletionKind = deletionJob({ catalog, media });
  const kinds = [
    storedKind(sweepKind),
    storedKind(ingestKind),
    storedKind(importKind),
    storedKind(deletionKind),
    ...parts.kinds,
  ];
  const jobRunner = new JobRunner(catalog.jobs, kinds, reportUnexpected, parts.allowanceOf);
  const jobs = new JobService(catalog, kinds, jobRunner, cancelTraining);
  return {
    jobs,
    jobRunner,
    bulkIngest,
    bulkFiles,
    bulkJobs: new BulkJobs(jobs, ingestKind, sources),
    bulkPreviews: new BulkPreviews(sources, parts.images),
    importJobs: new ImportJobs(jobs, importKind, sources, catalog),
    deletions: new Deletions(jobs, deletionKind, filters),
    sweep,
    sweepSchedule: new SweepSchedule(
      { run: () => jobs.beginUnlessSince(sweepKind, { features: false }, SPARED_MS) },
      reportUnexpected,
    ),
  };
}
