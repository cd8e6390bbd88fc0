import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { checkStorable } from '../../../domain/check.js';
import { CommonspaceError, type FieldPath } from '../../../domain/errors.js';
import { parseAddress } from '../../../platform/guarded-request.js';
import type { BulkFiles, CopyBudget } from './bulk-files.js';
import { sourceName } from './open-source.js';
import type { SourceFolders } from './source-folders.js';

/** What a caller names: exactly one of the three. */
export interface SourceInput {
  readonly uploadId?: string | null | undefined;
  readonly url?: string | null | undefined;
  readonly path?: string | null | undefined;
}

/** The source of a job, as it is stored. */
export const bulkSource = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('upload'), file: z.string() }),
  /** `file`: id of the copy. */
  z.object({ kind: z.literal('address'), url: z.string(), file: z.string() }),
  z.object({ kind: z.literal('path'), path: z.string() }),
]);
export type BulkSource = z.output<typeof bulkSource>;

interface ChosenSource {
  readonly source: BulkSource;
  /** The name of the file or folder; of an upload, its id. */
  readonly name: string;
  /** Finds the path of the source; null of one at an address, which is not copied yet. */
  readonly path: ((signal?: AbortSignal) => Promise<string>) | null;
  /** The field that names it. */
  readonly at: FieldPath;
}

/** Sources of jobs: uploads, files at addresses, and what is in the configured folders. */
export class BulkSources {
  constructor(
    private readonly files: BulkFiles,
    private readonly folders: SourceFolders,
  ) {}

  /**
   * @param field path of the input
   * @throws CommonspaceError BAD_INPUT, ADDRESS_NOT_ALLOWED, UPLOAD_NOT_FOUND, FILE_MISSING
   */
  async choose({ uploadId, url, path }: SourceInput, field: FieldPath): Promise<ChosenSource> {
    const given = Object.entries({ uploadId, url, path }).filter(([, value]) => value != null);
    for (const [name, value] of given) checkStorable(value ?? '', [...field, name]);
    if (given.length !== 1) {
      throw new CommonspaceError('BAD_INPUT', 'Give exactly one of uploadId, url and path.', field);
    }
    const at = [...field, given[0]?.[0] ?? ''];
    try {
      if (uploadId != null) {
        await this.files.check(uploadId);
        const require = (signal?: AbortSignal) => this.files.require(uploadId, signal);
        return { source: { kind: 'upload', file: uploadId }, name: uploadId, path: require, at };
      }
      if (url != null) {
        const name = sourceName(parseAddress(url).pathname);
        const source = { kind: 'address', url, file: randomUUID() } as const;
        return { source, name: name === '' ? 'address' : name, path: null, at };
      }
      const found = await this.folders.resolve(path ?? '');
      return {
        source: { kind: 'path', path: path ?? '' },
        name: sourceName(found),
        path: async () => found,
        at,
      };
    } catch (error) {
      throw error instanceof CommonspaceError ? error.at(at) : error;
    }
  }

  /**
   * The path of a stored source. A file at an address is copied first, unless that was done before.
   *
   * @throws CommonspaceError those of `choose`, and of BulkFiles.copy
   */
  async path(source: BulkSource, signal: AbortSignal, budget: CopyBudget): Promise<string> {
    if (source.kind === 'path') return await this.folders.resolve(source.path);
    if (source.kind === 'upload') return await this.files.require(source.file, signal);
    return await this.files.copy(source.url, source.file, signal, budget);
  }
}
