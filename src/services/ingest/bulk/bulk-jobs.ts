import type { Caller } from '../../../domain/access.js';
import { checkLabel } from '../../../domain/check.js';
import type { FieldPath } from '../../../domain/errors.js';
import type { JobRow } from '../../../domain/job.js';
import { LIMITS } from '../../../domain/limits.js';
import type { JobKind } from '../../jobs/job-kind.js';
import type { JobService } from '../../jobs/job-service.js';
import type { BulkSources, SourceInput } from './bulk-sources.js';
import type { IngestJobParameters } from './ingest-job.js';

/** What to ingest, and how. */
export interface BulkInput extends SourceInput {
  readonly prefix?: string | null | undefined;
  readonly classColumn?: string | null | undefined;
}

/** Begins bulk ingests. */
export class BulkJobs {
  constructor(
    private readonly jobs: Pick<JobService, 'begin'>,
    private readonly kind: JobKind<IngestJobParameters>,
    private readonly sources: Pick<BulkSources, 'choose'>,
  ) {}

  /**
   * Puts a bulk ingest into the queue.
   *
   * @param field path of the input
   * @throws CommonspaceError BAD_INPUT, ADDRESS_NOT_ALLOWED, UPLOAD_NOT_FOUND, FILE_MISSING
   */
  async begin(input: BulkInput, field: FieldPath, caller: Caller): Promise<JobRow> {
    const { classColumn } = input;
    checkBulkInput(input, field);
    const { source, name } = await this.sources.choose(input, field);
    const parameters = {
      source,
      prefix: prefixOf(input, name),
      classColumn: classColumn ?? null,
      failuresOf: null,
    };
    return await this.jobs.begin(this.kind, parameters, caller);
  }
}

/** @throws CommonspaceError BAD_INPUT */
export function checkBulkInput({ prefix, classColumn }: BulkInput, field: FieldPath): void {
  if (prefix != null) checkLabel(prefix, LIMITS.bulkPrefixCharacters, [...field, 'prefix']);
  if (classColumn != null) checkLabel(classColumn, LIMITS.classNameCharacters, [...field, 'classColumn']);
}

/** @param name of the source */
export function prefixOf({ prefix }: BulkInput, name: string): string {
  return prefix ?? name.slice(0, LIMITS.bulkPrefixCharacters);
}
