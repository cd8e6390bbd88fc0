import { randomUUID } from 'node:crypto';
import type { Caller } from '../../../domain/access.js';
import { checkLabel, checkStorable } from '../../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../../domain/errors.js';
import type { JobRow } from '../../../domain/job.js';
import { LIMITS } from '../../../domain/limits.js';
import { parseAddress } from '../../../platform/guarded-request.js';
import type { JobKind } from '../../jobs/job-kind.js';
import type { JobService } from '../../jobs/job-service.js';
import type { BulkFiles } from './bulk-files.js';
import type { IngestJobParameters } from './ingest-job.js';
import { sourceName } from './open-source.js';
import type { SourceFolders } from './source-folders.js';

/** What to ingest: exactly one of the first three. */
export interface BulkInput {
  readonly uploadId?: string | null | undefined;
  readonly url?: string | null | undefined;
  readonly path?: string | null | undefined;
  readonly prefix?: string | null | undefined;
  readonly classColumn?: string | null | undefined;
}

type Source = IngestJobParameters['source'];

/** Begins bulk ingests. */
export class BulkJobs {
  constructor(
    private readonly jobs: Pick<JobService, 'begin'>,
    private readonly kind: JobKind<IngestJobParameters>,
    private readonly files: BulkFiles,
    private readonly folders: SourceFolders,
  ) {}

  /**
   * Puts a bulk ingest into the queue.
   *
   * @param field path of the input
   * @throws CommonspaceError BAD_INPUT, ADDRESS_NOT_ALLOWED, UPLOAD_NOT_FOUND, FILE_MISSING
   */
  async begin(input: BulkInput, field: FieldPath, caller: Caller): Promise<JobRow> {
    const { prefix, classColumn } = input;
    if (prefix != null) checkLabel(prefix, LIMITS.bulkPrefixCharacters, [...field, 'prefix']);
    if (classColumn != null) checkLabel(classColumn, LIMITS.classNameCharacters, [...field, 'classColumn']);
    const { source, name } = await this.sourceOf(input, field);
    const parameters = {
      source,
      prefix: prefix ?? name.slice(0, LIMITS.bulkPrefixCharacters),
      classColumn: classColumn ?? null,
      failuresOf: null,
    };
    return await this.jobs.begin(this.kind, parameters, caller);
  }

  private async sourceOf(
    { uploadId, url, path }: BulkInput,
    field: FieldPath,
  ): Promise<{ readonly source: Source; readonly name: string }> {
    const given = Object.entries({ uploadId, url, path }).filter(([, value]) => value != null);
    for (const [name, value] of given) checkStorable(value ?? '', [...field, name]);
    if (given.length !== 1) {
      throw new CommonspaceError('BAD_INPUT', 'Give exactly one of uploadId, url and path.', field);
    }
    const at = [...field, given[0]?.[0] ?? ''];
    try {
      if (uploadId != null) {
        await this.files.require(uploadId);
        return { source: { kind: 'upload', file: uploadId }, name: uploadId };
      }
      if (url != null) {
        const name = sourceName(parseAddress(url).pathname);
        return { source: { kind: 'address', url, file: randomUUID() }, name: name === '' ? 'address' : name };
      }
      const found = await this.folders.resolve(path ?? '');
      return { source: { kind: 'path', path: path ?? '' }, name: sourceName(found) };
    } catch (error) {
      throw error instanceof CommonspaceError ? error.at(at) : error;
    }
  }
}
