/** Removes what nothing refers to any more: see docs/operations.md, "Leftovers". */
import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { MediaStore } from '../../media/media-store.js';
import { removeUnfinishedRuns } from '../../reports/run-folder.js';
import type { Checkpoints } from '../encoders/checkpoints.js';
import type { BulkFiles } from '../ingest/bulk/bulk-files.js';

/** Younger leftovers stay: they may be in use. */
const SWEEP_GRACE_MS = 24 * 3_600_000;
/** Entries of the audit log are kept for this time. */
const AUDIT_KEPT_MS = 400 * 24 * 3_600_000;
/** Jobs are kept for this time after they ended. */
const JOBS_KEPT_MS = 90 * 24 * 3_600_000;
/** Changes of items are kept for this time, for systems that follow them. */
const CHANGES_KEPT_MS = 30 * 24 * 3_600_000;
/** The source of a job that ended with failures is kept for this time, so that they can be retried. */
const SOURCES_KEPT_MS = 7 * 24 * 3_600_000;
/** Pictures that are looked up and removed together. */
const PICTURES_AT_ONCE = 200;

export interface SweepOptions {
  /** Removes the features of extractors that no encoder uses and that are not configured; without it they are only counted. */
  readonly features?: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Younger leftovers stay; 24 hours where not given. */
  readonly graceMs?: number;
}

/** What a sweep removed. */
export interface SweepReport {
  /** Uploads that no item shows. */
  readonly uploads: number;
  /** Files of pictures that no record names. */
  readonly files: number;
  /** Uploaded files to ingest that no job needs any more. */
  readonly sources: number;
  /** Thumbnails without their picture. */
  readonly thumbnails: number;
  /** Pairs without an item. */
  readonly pairs: number;
  /** Folders of evaluations that were not finished, and of encoders that were removed. */
  readonly runs: number;
  /** Features of extractors that are not in use. */
  readonly features: readonly UnusedFeatures[];
}

/** Leftovers that are still there. */
export type FoundLeftovers = Pick<SweepReport, 'uploads' | 'files' | 'pairs' | 'features'>;

/** @returns how many of the pictures it removed */
type Remove = (hashes: readonly string[]) => Promise<number>;

export interface UnusedFeatures {
  readonly extractor: string;
  readonly items: number;
  readonly removed: boolean;
}

export interface SweepParts {
  readonly catalog: Catalog;
  readonly media: MediaStore;
  readonly bulkFiles: Pick<BulkFiles, 'sweep'>;
  readonly checkpoints: Checkpoints;
  readonly runsFolder: string;
  /** Ids of the configured extractors. */
  readonly configured: readonly string[];
}

export class Sweep {
  constructor(private readonly parts: SweepParts) {}

  /**
   * May run beside everything else, also on several servers. What was removed stays removed if it is cancelled.
   *
   * @throws CommonspaceError CANCELLED
   */
  async run({ features = false, signal, graceMs = SWEEP_GRACE_MS }: SweepOptions = {}): Promise<SweepReport> {
    const { catalog, media, bulkFiles, checkpoints, runsFolder } = this.parts;
    const before = Date.now() - graceMs;
    const check = () => throwIfCancelled(signal);
    const remove = (hashes: readonly string[]) => this.remove(hashes);
    const uploads = await this.sweepUploads(new Date(before), check, remove);
    const files = await this.sweepFiles(before, check, remove);
    const inUse = await catalog.jobList.filesInUse(new Date(Date.now() - SOURCES_KEPT_MS));
    const sources = await bulkFiles.sweep(before, inUse);
    const thumbnails = await media.sweep(before);
    check();
    const pairs = await catalog.items.sweepEmptyPairs(new Date(before));
    check();
    const exists = async (id: string) => (await catalog.encoders.byId(id)) !== null;
    const runs = (await removeUnfinishedRuns(runsFolder)) + (await checkpoints.removeUnknown(exists, before));
    check();
    await catalog.itemChanges.sweep(new Date(Date.now() - CHANGES_KEPT_MS));
    check();
    await catalog.audit.removeBefore(new Date(Date.now() - AUDIT_KEPT_MS));
    await catalog.jobList.removeEnded(new Date(Date.now() - JOBS_KEPT_MS));
    const unused = await this.unusedFeatures(features, check);
    return { uploads, files, sources, thumbnails, pairs, runs, features: unused };
  }

  /** What a sweep would remove, except thumbnails, sources of jobs and folders of runs. Removes nothing. */
  async find({ graceMs = SWEEP_GRACE_MS }: Pick<SweepOptions, 'graceMs'> = {}): Promise<FoundLeftovers> {
    const before = Date.now() - graceMs;
    const check = () => {};
    const count = async (hashes: readonly string[]) => hashes.length;
    return {
      uploads: await this.sweepUploads(new Date(before), check, count),
      files: await this.sweepFiles(before, check, count),
      pairs: await this.parts.catalog.serverChecks.emptyPairs(new Date(before)),
      features: await this.unusedFeatures(false, check),
    };
  }

  private async sweepUploads(before: Date, check: () => void, remove: Remove): Promise<number> {
    let removed = 0;
    for (let after: string | null = null; ; ) {
      check();
      const hashes: string[] = await this.parts.catalog.media.unused(before, after, PICTURES_AT_ONCE);
      after = hashes.at(-1) ?? null;
      if (after === null) return removed;
      removed += await remove(hashes);
    }
  }

  private async sweepFiles(before: number, check: () => void, remove: Remove): Promise<number> {
    let removed = 0;
    const sweep = async (hashes: readonly string[]) => {
      check();
      removed += await remove(await this.parts.catalog.media.unknown(hashes));
    };
    let batch: string[] = [];
    for await (const { sha256, changedAt } of this.parts.media.files()) {
      if (changedAt >= before) continue;
      batch.push(sha256);
      if (batch.length < PICTURES_AT_ONCE) continue;
      await sweep(batch);
      batch = [];
    }
    if (batch.length > 0) await sweep(batch);
    return removed;
  }

  private async remove(hashes: readonly string[]): Promise<number> {
    const { catalog, media } = this.parts;
    return (await catalog.media.removeUnreferenced(hashes, (hash) => media.remove(hash))).length;
  }

  private async unusedFeatures(remove: boolean, check: () => void): Promise<UnusedFeatures[]> {
    const { catalog, configured } = this.parts;
    const encoders = await catalog.encoders.list();
    const used = new Set([
      ...configured,
      ...encoders.flatMap(({ imageExtractor, textExtractor }) => [imageExtractor, textExtractor]),
    ]);
    const unused = (await catalog.extractors.ids()).filter((extractor) => !used.has(extractor));
    const found: UnusedFeatures[] = [];
    for (const extractor of unused) {
      check();
      const items = remove
        ? await catalog.extractors.deleteFeatures(extractor, check)
        : await catalog.extractors.count(extractor);
      found.push({ extractor, items, removed: remove });
    }
    return found;
  }
}
