import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { CommonspaceError, UnreachableCaseError } from '../../../domain/errors.js';
import { classFoldersSource } from './class-folders-source.js';
import { csvSource } from './csv-source.js';
import { jsonLinesSource } from './json-lines-source.js';
import { parquetSource } from './parquet-source.js';
import type { RowSource } from './row-source.js';
import { sniffSource } from './source-bytes.js';
import { DESCRIPTIONS, tarFolderSource } from './tar-folder-source.js';
import { tarSource } from './tar-source.js';

/**
 * Opens a folder or a file of any known format.
 *
 * @param hasFolder whether `file_name` in a file names a file beside it
 * @throws CommonspaceError BAD_FOLDER, FILE_MISSING, BAD_SOURCE
 */
export async function openSource(path: string, hasFolder: boolean): Promise<RowSource> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
    throw unreadable(path, error);
  });
  if (found === null) throw new CommonspaceError('FILE_MISSING', `${path} does not exist.`);
  return found.isDirectory()
    ? await openFolder(path)
    : await openFile(path, hasFolder ? dirname(path) : null);
}

/** The default of what external ids begin with: the name of the folder or file, without the ending of its format. */
export function sourceName(path: string): string {
  return basename(resolve(path)).replace(/(\.(jsonl|ndjson|json|csv|tar|tgz|parquet))?(\.gz)?$/i, '');
}

async function openFolder(folder: string): Promise<RowSource> {
  for (const name of Object.keys(DESCRIPTIONS)) {
    const path = join(folder, name);
    if (await stat(path).catch(() => null)) return { ...(await openFile(path, folder)), needsPicture: true };
  }
  const source = classFoldersSource(folder);
  for await (const { content } of source.rows()) if (content.kind !== 'skipped') return source;
  throw new CommonspaceError(
    'BAD_FOLDER',
    `${folder} has no pictures and no metadata.jsonl, with one JSON object per line: {"file_name": …, "text": …, "label": …}.`,
    ['folder'],
  );
}

async function openFile(path: string, folder: string | null): Promise<RowSource> {
  const sniffed = await sniffSource(path);
  switch (sniffed.format) {
    case 'JSON_LINES':
      return jsonLinesSource(path, sniffed, folder);
    case 'CSV':
      return csvSource(path, sniffed, folder);
    case 'TAR':
      return (await tarFolderSource(path, sniffed)) ?? tarSource(path, sniffed);
    case 'PARQUET':
      return parquetSource(path, folder);
    default:
      throw new UnreachableCaseError(sniffed.format);
  }
}

function unreadable(path: string, error: NodeJS.ErrnoException): CommonspaceError {
  return new CommonspaceError('BAD_FOLDER', `${path} cannot be read (${error.code}).`, ['folder'], {
    cause: error,
  });
}
