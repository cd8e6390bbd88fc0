import { type Entry, extract, type Headers } from 'tar-stream';
import { throwIfCancelled } from '../../../domain/errors.js';
import { MAX_IMAGE_BYTES } from '../../../media/limits.js';
import { isPictureName } from './picture-names.js';
import {
  failedContent,
  type RowContent,
  type RowSource,
  type SourcePicture,
  type SourceRow,
} from './row-source.js';
import { readingFailed, type SniffedSource, sourceStream } from './source-bytes.js';

/** Bytes of a file that describes a picture. */
const MAX_DESCRIPTION_BYTES = 2 ** 20;

/** An entry of a sample. */
interface Part {
  readonly name: string;
  /** What follows the first dot of the file's name. */
  readonly extension: string;
  /** Null where the entry is too large. */
  readonly bytes: Buffer | null;
}

/**
 * A tar file by the convention of webdataset: consecutive entries whose names agree up to the first dot of the file's name are one
 * sample. A sample is a row: its pictures, `.txt` as text, `.cls` as label, the columns of `.json`. Other entries are left out.
 */
export function tarSource(path: string, sniffed: SniffedSource): RowSource {
  async function* entries(
    signal?: AbortSignal,
  ): AsyncGenerator<{ readonly key: string; readonly extension: string; readonly entry: Entry }> {
    const archive = extract();
    const bytes = sourceStream(path, sniffed);
    bytes.once('error', (error) => archive.destroy(error));
    bytes.pipe(archive);
    try {
      for await (const entry of archive) {
        throwIfCancelled(signal);
        // The error of an entry that is not read is that of the archive.
        entry.on('error', () => {});
        const named = nameOf(entry.header);
        if (named === null) entry.resume();
        else yield { ...named, entry };
      }
    } catch (error) {
      throw readingFailed(error);
    } finally {
      bytes.destroy();
    }
  }
  return {
    folder: null,
    async count(signal) {
      let count = 0;
      let latest: string | null = null;
      for await (const { key, entry } of entries(signal)) {
        entry.resume();
        if (key !== latest) count += 1;
        latest = key;
      }
      return count;
    },
    async *rows(signal) {
      let ordinal = 0;
      let latest: string | null = null;
      let parts: Part[] = [];
      for await (const { key, extension, entry } of entries(signal)) {
        if (key !== latest) {
          if (latest !== null) yield sample(ordinal, latest, parts);
          ordinal += 1;
          parts = [];
          latest = key;
        }
        parts.push({ name: entry.header.name, extension, bytes: await readPart(entry, extension) });
      }
      if (latest !== null) yield sample(ordinal, latest, parts);
    },
  };
}

/** Null for folders, links, hidden files, and names without a dot. */
function nameOf({ name, type }: Headers): { readonly key: string; readonly extension: string } | null {
  if (type !== 'file' && type !== 'contiguous-file') return null;
  const fileAt = name.lastIndexOf('/') + 1;
  const dot = name.indexOf('.', fileAt);
  if (dot <= fileAt) return null;
  return { key: name.slice(0, dot).replace(/^\.\//, ''), extension: name.slice(dot + 1).toLowerCase() };
}

/** Empty for what is not used. */
async function readPart(entry: Entry, extension: string): Promise<Buffer | null> {
  const isPicture = isPictureName(`.${extension}`);
  if (!isPicture && roleOf(extension) === null) {
    entry.resume();
    return Buffer.alloc(0);
  }
  if ((entry.header.size ?? 0) > (isPicture ? MAX_IMAGE_BYTES : MAX_DESCRIPTION_BYTES)) {
    entry.resume();
    return null;
  }
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of entry) chunks.push(chunk);
  } catch (error) {
    throw readingFailed(error);
  }
  return Buffer.concat(chunks);
}

function roleOf(extension: string): 'text' | 'label' | 'columns' | null {
  const last = extension.split('.').at(-1);
  if (last === 'txt' || last === 'caption') return 'text';
  if (last === 'cls') return 'label';
  return last === 'json' ? 'columns' : null;
}

function sample(ordinal: number, key: string, parts: readonly Part[]): SourceRow {
  const bytes = parts.reduce((sum, part) => sum + (part.bytes?.length ?? 0), 0);
  return { ordinal, reference: key, content: contentOf(parts), bytes };
}

function contentOf(parts: readonly Part[]): RowContent {
  const pictures: SourcePicture[] = [];
  const columns: Record<string, unknown> = {};
  const texts: string[] = [];
  for (const { name, extension, bytes } of parts) {
    const isPicture = isPictureName(`.${extension}`);
    const role = isPicture ? null : roleOf(extension);
    if (!isPicture && role === null) continue;
    if (bytes === null) {
      return isPicture
        ? failedContent('IMAGE_TOO_LARGE', `${name} has more than ${MAX_IMAGE_BYTES / 2 ** 20} MB.`)
        : failedContent('BAD_ROW', `${name} has more than ${MAX_DESCRIPTION_BYTES / 2 ** 20} MB.`);
    }
    if (isPicture) pictures.push({ name: name.replace(/^\.\//, ''), source: { bytes } });
    else if (role === 'text') texts.push(bytes.toString('utf8').trim());
    else if (role === 'label') columns.label = bytes.toString('utf8').trim();
    else {
      const described = parseColumns(bytes);
      if (described === null) return failedContent('BAD_ROW', `${name} is not a JSON object.`);
      Object.assign(columns, described);
    }
  }
  if (texts.length > 0) columns.text = texts;
  const isEmpty = pictures.length === 0 && Object.keys(columns).length === 0;
  return isEmpty ? { kind: 'skipped' } : { kind: 'row', columns, pictures };
}

function parseColumns(bytes: Buffer): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
