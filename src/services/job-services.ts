import type { Catalog } from '../catalog/catalog.js';
import type { ReportUnexpected } from '../domain/errors.js';
import type { FetchPolicy } from '../media/fetch-image.js';
import type { MediaStore } from '../media/media-store.js';
import type { Checkpoints } from './encoders/checkpoints.js';
import { BulkFiles } from './ingest/bulk/bulk-files.js';
import { BulkIngest } from './ingest/bulk/bulk-ingest.js';
import { BulkJobs } from './ingest/bulk/bulk-jobs.js';
import { ingestJob } from './ingest/bulk/ingest-job.js';
import { SourceFolders } from './ingest/bulk/source-folders.js';
import type { IngestService } from './ingest/ingest-service.js';
import { storedKind } from './jobs/job-kind.js';
import { JobRunner } from './jobs/job-runner.js';
import { JobService } from './jobs/job-service.js';
import { deletionJob } from './search/deletion-job.js';
import { Deletions } from './search/deletions.js';
import type { FilterCheck } from './search/filter-check.js';
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
  readonly bulk: BulkParts;
  readonly fetchPolicy: FetchPolicy;
  readonly reportUnexpected: ReportUnexpected;
}

/**
 * Creates the services of jobs. Every kind of job that a process can do is registered here.
 *
 * @param swept the folder of runs, and the ids of the configured extractors
 */
export function createJobServices(
  { catalog, media, checkpoints, ingest, filters, bulk, fetchPolicy, reportUnexpected }: JobParts,
  swept: { readonly runsFolder: string; readonly configured: readonly string[] },
  cancelTraining: (id: string) => Promise<unknown>,
): JobServices {
  const bulkFiles = new BulkFiles(bulk.folder, bulk.maxBytes, fetchPolicy);
  const folders = new SourceFolders(bulk.sources);
  const bulkIngest = new BulkIngest(ingest);
  const failures = catalog.jobList.failures.bind(catalog.jobList);
  const ingestKind = ingestJob({ bulk: bulkIngest, files: bulkFiles, folders, failures });
  const sweep = new Sweep({ catalog, media, bulkFiles, checkpoints, ...swept });
  const sweepKind = sweepJob(sweep);
  const deletionKind = deletionJob({ catalog, media });
  const kinds = [storedKind(sweepKind), storedKind(ingestKind), storedKind(deletionKind)];
  const jobRunner = new JobRunner(catalog.jobs, kinds, reportUnexpected);
  const jobs = new JobService(catalog, kinds, jobRunner, cancelTraining);
  return {
    jobs,
    jobRunner,
    bulkIngest,
    bulkFiles,
    bulkJobs: new BulkJobs(jobs, ingestKind, bulkFiles, folders),
    deletions: new Deletions(jobs, deletionKind, filters),
    sweep,
    sweepSchedule: new SweepSchedule(
      { run: () => jobs.beginUnlessSince(sweepKind, { features: false }, SPARED_MS) },
      reportUnexpected,
    ),
  };
}
