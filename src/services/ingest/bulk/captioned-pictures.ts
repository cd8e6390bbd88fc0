import { CommonspaceError } from '../../../domain/errors.js';
import { openSource } from './open-source.js';
import { RowReader } from './row-items.js';

/** A picture on disk, with a text of its row. */
export interface CaptionedPicture {
  /** Of the row, from 1. */
  readonly ordinal: number;
  readonly name: string;
  readonly path: string;
  /** Null for a row without a text. */
  readonly text: string | null;
}

/**
 * The pictures of a folder, as `commonspace ingest` reads it, each with the first text of its row.
 *
 * @returns also how many rows are malformed
 * @throws CommonspaceError BAD_FOLDER, FILE_MISSING, BAD_SOURCE, CANCELLED
 */
export async function readCaptionedPictures(
  folder: string,
  signal?: AbortSignal,
): Promise<{ readonly pictures: readonly CaptionedPicture[]; readonly malformed: number }> {
  const source = await openSource(folder, true);
  const reader = new RowReader(source, { prefix: '', classColumn: 'label', confined: false });
  const pictures: CaptionedPicture[] = [];
  let malformed = 0;
  for await (const { ordinal, content } of source.rows(signal)) {
    if (content.kind === 'skipped') continue;
    try {
      const { images, texts } =
        content.kind === 'row' ? await reader.read(content, ordinal) : { images: [], texts: [] };
      const image = images[0]?.content;
      const text = texts[0]?.content;
      if (image === undefined || !('path' in image)) malformed += 1;
      else
        pictures.push({
          ordinal,
          name: images[0]?.title ?? '',
          path: image.path,
          text: text && 'text' in text ? text.text : null,
        });
    } catch (error) {
      if (!(error instanceof CommonspaceError)) throw error;
      malformed += 1;
    }
  }
  return { pictures, malformed };
}
