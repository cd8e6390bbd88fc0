import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import type { JobFailure, JobRow } from '../../domain/job.js';
import type { JobKind } from '../jobs/job-kind.js';
import type { OwnJobs } from '../jobs/own-jobs.js';
import { countLacking, type ExtractionParameters } from './extraction-job.js';

/** Unreadable items that are named; the others are only counted. */
const NAMED = 20;
/** After an extraction that went wrong, the upkeep begins no further one of the same encoder for this time. */
const REPEAT_AFTER_MS = 6 * 3_600_000;

/** `done` of `all` items are processed, of which `failed` could not be read. */
export interface BackfillProgress {
  readonly done: number;
  readonly all: number;
  readonly failed: number;
}

export interface BackfillHooks {
  readonly onProgress?: ((progress: BackfillProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface BackfillReport {
  readonly failed: number;
  /** The first of the items that cannot be read. */
  readonly unreadable: readonly JobFailure[];
}

type ReadsExtractors = Pick<EncoderRow, 'id' | 'imageExtractor' | 'textExtractor'>;

/**
 * Completes the features of an encoder's extractors by a job that this process does: items that were stored while another
 * extractor was in use lack those of a later one. Without lacking features there is no job.
 */
export class FeatureBackfill {
  constructor(
    private readonly catalog: Catalog,
    private readonly kind: JobKind<ExtractionParameters>,
    private readonly jobs: OwnJobs,
  ) {}

  /**
   * Stored features stay even if it fails or is cancelled. An item that cannot be read is only counted.
   *
   * @throws CommonspaceError CANCELLED, also if the job is cancelled; EXTRACTOR_MISSING, EXTRACTOR_FAILED, BAD_MODEL
   */
  async fill(encoder: ReadsExtractors, { onProgress, signal }: BackfillHooks = {}): Promise<BackfillReport> {
    const { imageExtractor: image, textExtractor: text } = encoder;
    if ((await countLacking(this.catalog, { image, text })) === 0) return { failed: 0, unreadable: [] };
    const report = (job: JobRow) => {
      const done = job.done + job.failed + job.skipped;
      // Items may have been added since the count.
      if (done > 0) onProgress?.({ done, all: Math.max(job.total ?? 0, done), failed: job.failed });
    };
    const job = await this.jobs.complete(this.kind, { encoderId: encoder.id }, { onStep: report, signal });
    const unreadable = job.failed === 0 ? [] : await this.catalog.jobList.failures(job.id, 0, NAMED);
    return { failed: job.failed, unreadable };
  }

  /** The same for a process that needs the features of no item at once: not for some hours after one that went wrong. */
  async fillUnlessRepeated(encoder: ReadsExtractors, hooks: BackfillHooks): Promise<void> {
    if (await this.jobs.wentWrongWithin(this.kind, { encoderId: encoder.id }, REPEAT_AFTER_MS)) return;
    await this.fill(encoder, hooks);
  }
}

/** A note about the items that could not be read; empty if there are none. */
export function unreadableNotes({ failed, unreadable }: BackfillReport): string[] {
  if (failed === 0) return [];
  const names = unreadable.map(({ reference, code }) => `${reference} (${code})`);
  const more = failed > unreadable.length ? ` and ${failed - unreadable.length} more` : '';
  return [`${failed} stored items cannot be read and have no feature: ${names.join(', ')}${more}.`];
}
