import type { Catalog } from '../../catalog/catalog.js';
import type { Caller } from '../../domain/access.js';
import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import type { JobRow } from '../../domain/job.js';
import type { BulkSources, SourceInput } from '../ingest/bulk/bulk-sources.js';
import type { JobKind } from '../jobs/job-kind.js';
import type { JobService } from '../jobs/job-service.js';
import { requireArchive } from './archive-check.js';
import type { ImportReport } from './archive-import.js';
import { type ImportJobParameters, importedBy } from './import-job.js';

/** The archive, and whether it is added to other data. */
export interface ImportInput extends SourceInput {
  readonly merge?: boolean | null | undefined;
}

/** Begins imports of archives as jobs. */
export class ImportJobs {
  constructor(
    private readonly jobs: Pick<JobService, 'begin'>,
    private readonly kind: JobKind<ImportJobParameters>,
    private readonly sources: Pick<BulkSources, 'choose'>,
    private readonly catalog: Pick<Catalog, 'jobList'>,
  ) {}

  /**
   * Puts an import into the queue. The beginning of the archive is checked at once, if it is here, and the rest by the job.
   *
   * @param field path of the input
   * @throws CommonspaceError BAD_INPUT, ADDRESS_NOT_ALLOWED, UPLOAD_NOT_FOUND, FILE_MISSING, BAD_ARCHIVE, ARCHIVE_TOO_NEW
   */
  async begin({ merge, ...input }: ImportInput, field: FieldPath, caller: Caller): Promise<JobRow> {
    const { source, path, at } = await this.sources.choose(input, field);
    if (path !== null)
      await requireArchive(await path()).catch((error: unknown) => {
        throw error instanceof CommonspaceError ? error.at(at) : error;
      });
    return await this.jobs.begin(this.kind, { source, merge: merge === true }, caller);
  }

  /** What an import has stored so far; null for another job, and before its archive is checked. */
  async imported({ id, kind }: Pick<JobRow, 'id' | 'kind'>): Promise<ImportReport | null> {
    return kind === this.kind.name ? importedBy(await this.catalog.jobList.position(id)) : null;
  }
}
