import { throwIfCancelled } from '../../../domain/errors.js';
import { MAX_IMAGE_BYTES } from '../../../media/limits.js';
import type { FilePart } from '../../../platform/file-part.js';
import { type TarPart, tarFiles } from '../../../platform/tar/tar-index.js';
import { csvSource } from './csv-source.js';
import { jsonLinesSource } from './json-lines-source.js';
import { failedContent, type RowContent, type RowSource, type SourceRow } from './row-source.js';
import { readingFailed, type SniffedSource } from './source-bytes.js';

/** Files that describe the pictures of a folder, with their readers. */
export const DESCRIPTIONS = { 'metadata.jsonl': jsonLinesSource, 'metadata.csv': csvSource } as const;

type Columns = Readonly<Record<string, unknown>>;

/** Columns that name another picture than `file_name`. */
const OTHER_PICTURES = ['image_url', 'imageUrl', 'image_base64', 'imageBase64', 'media_id', 'mediaId'];

/**
 * A folder with metadata in one file: an uncompressed tar file whose first entry is `metadata.jsonl` or `metadata.csv`. Its rows are those of the
 * metadata, in any order; `file_name` is the name of an entry.
 *
 * @returns null for another tar file
 */
export async function tarFolderSource(path: string, { gzip }: SniffedSource): Promise<RowSource | null> {
  if (gzip) return null;
  const first = await firstPart(path);
  const name = Object.keys(DESCRIPTIONS).find((each) => each === first?.name) as
    | keyof typeof DESCRIPTIONS
    | undefined;
  if (first === null || name === undefined || first.bytes === 0) return null;
  const range = { start: first.start, end: first.start + first.bytes - 1 };
  const format = name === 'metadata.csv' ? 'CSV' : 'JSON_LINES';
  const rows = DESCRIPTIONS[name](path, { format, gzip, range }, null);
  return {
    folder: null,
    needsPicture: true,
    count: (signal) => rows.count(signal),
    async *rows(signal) {
      const pictures = new Map<string, FilePart>();
      for await (const { name: entry, ...part } of parts(path, signal)) pictures.set(entry, part);
      for await (const row of rows.rows(signal)) yield withPicture(row, pictures);
    },
  };
}

async function firstPart(path: string): Promise<TarPart | null> {
  for await (const part of parts(path)) return part;
  return null;
}

/** All files of the archive. */
async function* parts(path: string, signal?: AbortSignal): AsyncGenerator<TarPart> {
  try {
    for await (const part of tarFiles(path)) {
      throwIfCancelled(signal);
      yield { ...part, name: plain(part.name) };
    }
  } catch (error) {
    throw readingFailed(error);
  }
}

function plain(name: string): string {
  return name.replace(/^(\.\/)+/, '');
}

/** The row with its picture, which is read when there is room for it. */
function withPicture(row: SourceRow, pictures: ReadonlyMap<string, FilePart>): SourceRow {
  if (row.content.kind !== 'row') return row;
  const { columns } = row.content;
  const name = columns.file_name ?? columns.fileName;
  // The reader of rows refuses another value.
  if (typeof name !== 'string' || OTHER_PICTURES.some((column) => columns[column] != null)) return row;
  const content = contentOf(name, columns, pictures.get(plain(name)));
  return { ...row, reference: name, content };
}

function contentOf(name: string, columns: Columns, part: FilePart | undefined): RowContent {
  if (part === undefined)
    return failedContent('FILE_MISSING', `The file ${name} is not in the archive.`, ['file_name']);
  if (part.bytes > MAX_IMAGE_BYTES)
    return failedContent('IMAGE_TOO_LARGE', `${name} has more than ${MAX_IMAGE_BYTES / 2 ** 20} MB.`);
  return { kind: 'row', columns, pictures: [{ name, source: { part } }] };
}
