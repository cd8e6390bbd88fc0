import { asyncBufferFromFile, type FileMetaData, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { throwIfCancelled } from '../../../domain/errors.js';
import type { RowContent, RowSource, SourcePicture } from './row-source.js';
import { badSource, readingFailed } from './source-bytes.js';

/** Bytes of the largest row group, decompressed. A row group is in memory as a whole. */
const MAX_GROUP_BYTES = 512 * 2 ** 20;

/**
 * Parquet. A column with a struct of `bytes` and `path` is a picture, as in the data sets of Hugging Face; so is a binary column
 * named `image`. A label that is a number gets its name where the file's metadata list the names.
 */
export function parquetSource(path: string, folder: string | null): RowSource {
  const open = async () => {
    try {
      const file = await asyncBufferFromFile(path);
      return { file, metadata: await parquetMetadataAsync(file) };
    } catch (error) {
      throw readingFailed(error);
    }
  };
  return {
    folder,
    count: async () => Number((await open()).metadata.num_rows),
    async *rows(signal) {
      const { file, metadata } = await open();
      const names = labelNames(metadata);
      let before = 0;
      for (const { num_rows, total_byte_size } of metadata.row_groups) {
        throwIfCancelled(signal);
        if (total_byte_size > MAX_GROUP_BYTES) {
          throw badSource(
            `A row group has more than ${MAX_GROUP_BYTES / 2 ** 20} MB. Write the file with smaller ones.`,
          );
        }
        const range = { rowStart: before, rowEnd: before + Number(num_rows) };
        const rows = await parquetReadObjects({ file, metadata, compressors, utf8: false, ...range }).catch(
          (error) => {
            throw readingFailed(error);
          },
        );
        for (const row of rows) {
          before += 1;
          const { content, bytes } = contentOf(row, names);
          yield { ordinal: before, reference: `row ${before}`, content, bytes };
        }
      }
    },
  };
}

function contentOf(
  row: Readonly<Record<string, unknown>>,
  names: ReadonlyMap<string, readonly string[]>,
): { readonly content: RowContent; readonly bytes: number } {
  const pictures: SourcePicture[] = [];
  const columns: Record<string, unknown> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(row)) {
    const picture = pictureOf(name, value);
    if (picture === null) {
      const plain = plainValue(value);
      columns[name] = (typeof plain === 'number' && names.get(name)?.[plain]) || plain;
    } else {
      pictures.push({ name: picture.path, source: { bytes: picture.bytes } });
      bytes += picture.bytes.length;
    }
  }
  return { content: { kind: 'row', columns, pictures }, bytes };
}

function pictureOf(column: string, value: unknown): { readonly path: string; readonly bytes: Buffer } | null {
  if (value instanceof Uint8Array) return column === 'image' ? { path: '', bytes: copied(value) } : null;
  if (typeof value !== 'object' || value === null || !('bytes' in value)) return null;
  if (!(value.bytes instanceof Uint8Array)) return null;
  return {
    path: 'path' in value && typeof value.path === 'string' ? value.path : '',
    bytes: copied(value.bytes),
  };
}

/** A copy, because the value is a part of the buffer of its whole column. */
function copied(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes);
}

/** As JSON has it. */
function plainValue(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (value instanceof Date) return value.toISOString();
  // A string without the annotation that it is one.
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8');
  if (Array.isArray(value)) return value.map(plainValue);
  if (ArrayBuffer.isView(value))
    return Array.from(value as unknown as ArrayLike<number | bigint>, plainValue);
  if (typeof value !== 'object' || value === null) return value ?? null;
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plainValue(inner)]));
}

/** The names of labels by column, which data sets of Hugging Face have in the file's metadata. */
function labelNames({ key_value_metadata: pairs = [] }: FileMetaData): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const described = pairs.find(({ key }) => key === 'huggingface')?.value;
  if (described === undefined) return found;
  let features: unknown;
  try {
    features = (JSON.parse(described) as { info?: { features?: unknown } }).info?.features;
  } catch {
    return found;
  }
  for (const [column, feature] of Object.entries(features ?? {})) {
    const names = (feature as { names?: unknown } | null)?.names;
    if (Array.isArray(names)) found.set(column, names.map(String));
  }
  return found;
}
