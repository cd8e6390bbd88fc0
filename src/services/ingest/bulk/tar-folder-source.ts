import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { type Entry, extract } from 'tar-stream';
import { throwIfCancelled } from '../../../domain/errors.js';
import { MAX_IMAGE_BYTES } from '../../../media/limits.js';
import { csvSource } from './csv-source.js';
import { jsonLinesSource } from './json-lines-source.js';
import { failedContent, type RowContent, type RowSource, type SourceRow } from './row-source.js';
import { readingFailed, type SniffedSource } from './source-bytes.js';

/** Files that describe the pictures of a folder, with their readers. */
export const DESCRIPTIONS = { 'metadata.jsonl': jsonLinesSource, 'metadata.csv': csvSource } as const;

/** Where the content of an entry is in the file. */
interface Place {
  readonly start: number;
  readonly size: number;
}
interface NamedPlace extends Place {
  readonly name: string;
}

/** Columns that name another picture than `file_name`. */
const OTHER_PICTURES = ['image_url', 'imageUrl', 'image_base64', 'imageBase64', 'media_id', 'mediaId'];
const HEADER_BYTES = 512;

/**
 * A folder with metadata in one file: an uncompressed tar file whose first entry is `metadata.jsonl` or `metadata.csv`. Its rows are those of the
 * metadata, in any order; `file_name` is the name of an entry.
 *
 * @returns null for another tar file
 */
export async function tarFolderSource(path: string, { gzip }: SniffedSource): Promise<RowSource | null> {
  if (gzip) return null;
  const first = await firstPlace(path);
  const name = Object.keys(DESCRIPTIONS).find((each) => each === first?.name) as
    | keyof typeof DESCRIPTIONS
    | undefined;
  if (first === null || name === undefined || first.size === 0) return null;
  const range = { start: first.start, end: first.start + first.size - 1 };
  const format = name === 'metadata.csv' ? 'CSV' : 'JSON_LINES';
  const rows = DESCRIPTIONS[name](path, { format, gzip, range }, null);
  return {
    folder: null,
    needsPicture: true,
    count: (signal) => rows.count(signal),
    async *rows(signal) {
      const pictures = new Map<string, Place>();
      for await (const { name: entry, start, size } of places(path, signal))
        pictures.set(entry, { start, size });
      const file = await open(path);
      try {
        for await (const row of rows.rows(signal)) yield await withPicture(row, pictures, file);
      } finally {
        await file.close();
      }
    },
  };
}

async function firstPlace(path: string): Promise<NamedPlace | null> {
  for await (const place of places(path)) return place;
  return null;
}

/** All files of the archive. */
async function* places(path: string, signal?: AbortSignal): AsyncGenerator<NamedPlace> {
  const archive = extract();
  const bytes = createReadStream(path, { highWaterMark: 2 ** 20 });
  bytes.once('error', (error) => archive.destroy(error));
  bytes.pipe(archive);
  try {
    for await (const entry of archive) {
      throwIfCancelled(signal);
      // The error of an entry that is not read is that of the archive.
      entry.on('error', () => {});
      const { name, type, size = 0 } = entry.header;
      const start = headerAt(entry) + HEADER_BYTES;
      entry.resume();
      if (type === 'file' || type === 'contiguous-file') yield { name: plain(name), start, size };
    }
  } catch (error) {
    throw readingFailed(error);
  } finally {
    bytes.destroy();
    archive.destroy();
  }
}

/** Where the header before the content of an entry begins. The package has the number, and no type for it. */
function headerAt(entry: Entry): number {
  return (entry as unknown as { readonly offset: number }).offset;
}

function plain(name: string): string {
  return name.replace(/^(\.\/)+/, '');
}

async function withPicture(
  row: SourceRow,
  pictures: ReadonlyMap<string, Place>,
  file: FileHandle,
): Promise<SourceRow> {
  if (row.content.kind !== 'row') return row;
  const { columns } = row.content;
  const name = columns.file_name ?? columns.fileName;
  // The reader of rows refuses another value.
  if (typeof name !== 'string' || OTHER_PICTURES.some((column) => columns[column] != null)) return row;
  const content = await contentOf(name, columns, pictures.get(plain(name)), file);
  const size = content.kind === 'row' ? (pictures.get(plain(name))?.size ?? 0) : 0;
  return { ...row, reference: `${name}, ${row.reference}`, content, bytes: row.bytes + size };
}

async function contentOf(
  name: string,
  columns: Readonly<Record<string, unknown>>,
  place: Place | undefined,
  file: FileHandle,
): Promise<RowContent> {
  if (place === undefined)
    return failedContent('FILE_MISSING', `The file ${name} is not in the archive.`, ['file_name']);
  const { start, size } = place;
  if (size > MAX_IMAGE_BYTES)
    return failedContent('IMAGE_TOO_LARGE', `${name} has more than ${MAX_IMAGE_BYTES / 2 ** 20} MB.`);
  const { buffer } = await file.read(Buffer.alloc(size), 0, size, start);
  return { kind: 'row', columns, pictures: [{ name, source: { bytes: buffer } }] };
}
