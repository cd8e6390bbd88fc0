import { z } from 'zod';
import { type BulkSources, bulkSource } from '../ingest/bulk/bulk-sources.js';
import type { JobContext, JobKind } from '../jobs/job-kind.js';
import type { ArchiveImport, ImportReport } from './archive-import.js';

const parameters = z.object({ source: bulkSource, merge: z.boolean() });
export type ImportJobParameters = z.output<typeof parameters>;

const storedReport: z.ZodType<ImportReport> = z.object({
  pictures: z.number(),
  classes: z.number(),
  items: z.number(),
  encoders: z.number(),
  vectors: z.number(),
  missingPictures: z.number(),
});

const position = z.object({
  /** Members that are stored. */
  members: z.number(),
  /** What the import has stored until then. */
  stored: storedReport,
});

const STEP_MS = 1_000;

interface ImportJobParts {
  readonly archive: Pick<ArchiveImport, 'run'>;
  readonly sources: Pick<BulkSources, 'path'>;
  /** Embeds what live encoders lack, and builds missing indexes. */
  readonly complete: (signal: AbortSignal) => Promise<void>;
  /** Time between two steps. */
  readonly stepMs?: number;
}

/**
 * An import as a job. Its inputs are the members of the archive. A job that continues reads the archive again: what exists stays as it is, and what
 * was deleted since it was stored stays deleted.
 */
export function importJob(parts: ImportJobParts): JobKind<ImportJobParameters> {
  return {
    name: 'IMPORT',
    slot: 'long',
    scope: 'admin',
    parameters,
    run: (given, context) => run(parts, given, context),
  };
}

async function run(
  { archive, sources, complete, stepMs = STEP_MS }: ImportJobParts,
  { source, merge }: ImportJobParameters,
  { position: stored, signal, fetches, advance }: JobContext,
): Promise<string> {
  const at = stored === null ? null : position.parse(stored);
  const path = await sources.path(source, signal, fetches);
  let members = at?.members ?? 0;
  let since = performance.now();
  const report = await archive.run(path, {
    // Other data that was added since the first check is no reason to stop.
    merge: merge || at !== null,
    known: members,
    signal,
    async onProgress(done, all, added) {
      const first = done === 0 && at === null;
      if (!first && (done <= members || (done < all && performance.now() - since < stepMs))) return;
      await advance({
        position: { members: done, stored: sum(at?.stored, added) },
        total: all,
        done: done - members,
        failed: 0,
        skipped: 0,
      });
      members = done;
      since = performance.now();
    },
  });
  await complete(signal);
  const { pictures, classes, items, encoders, vectors } = sum(at?.stored, report);
  return `Stored ${pictures} pictures, ${classes} classes, ${items} items, ${encoders} encoders, ${vectors} features and embeddings.`;
}

/** What an import has stored, by the position of its job; null before its archive is checked. */
export function importedBy(stored: unknown): ImportReport | null {
  return stored === null ? null : position.parse(stored).stored;
}

function sum(before: ImportReport | undefined, added: ImportReport): ImportReport {
  if (before === undefined) return added;
  return {
    pictures: before.pictures + added.pictures,
    classes: before.classes + added.classes,
    items: before.items + added.items,
    encoders: before.encoders + added.encoders,
    vectors: before.vectors + added.vectors,
    missingPictures: added.missingPictures,
  };
}
