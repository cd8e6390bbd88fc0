import type { Failure } from '../../../domain/errors.js';
import type { ImageSource } from '../../serving/image-source.js';

/** A picture that its source holds, such as an entry of a tar file. */
export interface SourcePicture {
  /** Its name within the source. */
  readonly name: string;
  readonly source: ImageSource;
}

/** What a row has: columns, and pictures that the source itself holds. */
export type RowContent =
  | {
      readonly kind: 'row';
      readonly columns: Readonly<Record<string, unknown>>;
      readonly pictures: readonly SourcePicture[];
    }
  | { readonly kind: 'failed'; readonly failure: Failure }
  /** Not for ingest, such as a file that is not a picture. */
  | { readonly kind: 'skipped' };

/** A row of a source. A row becomes pictures and texts that are one pair. */
export interface SourceRow {
  /** From 1. The same row has the same ordinal at each reading. */
  readonly ordinal: number;
  /** For people: `line 3`, `cats/1.jpg`. */
  readonly reference: string;
  readonly content: RowContent;
  /** About how many bytes of memory it needs. */
  readonly bytes: number;
}

/** A file or a folder to ingest, read as a stream. */
export interface RowSource {
  /** The folder to which the column `file_name` is relative; null where the source has no files beside it. */
  readonly folder: string | null;
  /** Whether every row describes a picture, so that one without is a fault. */
  readonly needsPicture?: boolean;
  /** The number of rows. */
  count(signal?: AbortSignal): Promise<number>;
  /** All rows in order. @throws CommonspaceError BAD_SOURCE if the rest cannot be read, CANCELLED */
  rows(signal?: AbortSignal): AsyncGenerator<SourceRow>;
}

export function failedContent(
  code: Failure['code'],
  message: string,
  field: Failure['field'] = [],
): RowContent {
  return { kind: 'failed', failure: { code, message, field } };
}
