import { constants } from 'node:fs';
import { access, readFile } from 'node:fs/promises';
import { basename, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { checkText } from '../../domain/check.js';
import { CommonspaceError, type Failure } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';

/** A checked row of an image folder's metadata.jsonl: an image on disk with its text, classes and metadata. */
export interface FolderRow {
  /** Line number in metadata.jsonl, from 1. */
  readonly line: number;
  readonly fileName: string;
  readonly path: string;
  /** Null where the row has none: the image is stored alone. */
  readonly text: string | null;
  readonly classes: readonly string[];
  /** The other columns. */
  readonly metadata: Readonly<Record<string, unknown>>;
}

export interface RowFailure extends Failure {
  readonly line: number;
  readonly fileName: string | null;
}

export type RowResult = { readonly row: FolderRow } | { readonly failure: RowFailure };

export interface FolderOptions {
  /** Column that names the class (a string, a number, or a list of them). */
  readonly classColumn: string;
  /** Whether the caller asked for that column by name, so that its absence is an error. */
  readonly classColumnRequired: boolean;
}

/** The file that describes an image folder: one JSON object per line. */
const METADATA = 'metadata.jsonl';

/**
 * Reads an image folder: `metadata.jsonl` with `file_name`, `text` and a class column. Each malformed
 * row has a failure; nothing is stored yet.
 *
 * @throws CommonspaceError BAD_FOLDER where there is no readable metadata.jsonl, NO_CLASS_COLUMN where no row has it.
 */
export async function readFolder(folder: string, options: FolderOptions): Promise<RowResult[]> {
  const lines = (await readMetadata(folder)).replace(/^\uFEFF/, '').split(/\r?\n/);
  const parsed = lines
    .map((line, i) => ({ line: i + 1, ...parseLine(line) }))
    .filter((row) => row.kind !== 'blank');
  const objects = parsed.flatMap((row) => (row.kind === 'object' ? [row.value] : []));
  if (
    objects.length > 0 &&
    options.classColumnRequired &&
    !objects.some((row) => row[options.classColumn] != null)
  ) {
    const columns = [...new Set(objects.slice(0, 100).flatMap((row) => Object.keys(row)))].join(', ');
    throw new CommonspaceError(
      'NO_CLASS_COLUMN',
      `No row of ${METADATA} has the column "${options.classColumn}"; its columns are: ${columns}.`,
      ['class-column'],
    );
  }
  return await Promise.all(
    parsed.map(async (row): Promise<RowResult> => {
      if (row.kind !== 'object')
        return failedRow(row.line, null, 'BAD_ROW', 'The line is not a JSON object.', []);
      try {
        return { row: await readRow(folder, row.line, row.value, options.classColumn) };
      } catch (error) {
        if (!(error instanceof CommonspaceError)) throw error;
        const fileName = typeof row.value.file_name === 'string' ? row.value.file_name : null;
        return failedRow(row.line, fileName, error.code, error.message, error.field);
      }
    }),
  );
}

async function readMetadata(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, METADATA), 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why = code === 'ENOENT' || code === 'ENOTDIR' ? 'does not exist' : `cannot be read (${code})`;
    throw new CommonspaceError(
      'BAD_FOLDER',
      `${join(folder, METADATA)} ${why}. It has one JSON object per line: {"file_name": …, "text": …, "label": …}.`,
      ['folder'],
    );
  }
}

type Line = { kind: 'blank' } | { kind: 'bad' } | { kind: 'object'; value: Record<string, unknown> };

function parseLine(line: string): Line {
  if (line.trim() === '') return { kind: 'blank' };
  try {
    const value: unknown = JSON.parse(line);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      return { kind: 'object', value: value as Record<string, unknown> };
    }
    return { kind: 'bad' };
  } catch {
    return { kind: 'bad' };
  }
}

async function readRow(
  folder: string,
  line: number,
  value: Record<string, unknown>,
  classColumn: string,
): Promise<FolderRow> {
  const { file_name: fileName, text, ...rest } = value;
  if (typeof fileName !== 'string' || fileName === '') {
    throw new CommonspaceError('BAD_ROW', 'The row has no file_name.', ['file_name']);
  }
  if (text != null && typeof text !== 'string')
    throw new CommonspaceError('BAD_ROW', 'text must be a string.', ['text']);
  if (text != null) checkText(text, LIMITS.textCharacters, ['text']);
  const { [classColumn]: label, ...metadata } = rest;
  const path = within(folder, fileName);
  await access(path, constants.R_OK).catch(() => {
    throw new CommonspaceError('FILE_MISSING', `The file ${fileName} does not exist or cannot be read.`, [
      'file_name',
    ]);
  });
  return { line, fileName, path, text: text ?? null, classes: readClasses(label, classColumn), metadata };
}

function within(folder: string, fileName: string): string {
  const root = resolve(folder);
  const path = resolve(root, normalize(fileName));
  if (isAbsolute(fileName) || !path.startsWith(root + sep)) {
    throw new CommonspaceError('BAD_ROW', `The file ${fileName} lies outside the folder.`, ['file_name']);
  }
  return path;
}

function readClasses(label: unknown, column: string): string[] {
  const labels = label == null ? [] : Array.isArray(label) ? label : [label];
  return labels.map((name: unknown) => {
    const text = typeof name === 'number' || typeof name === 'boolean' ? String(name) : name;
    if (typeof text !== 'string' || text.trim() === '' || text.length > LIMITS.classNameCharacters) {
      throw new CommonspaceError('BAD_ROW', `${column} must be a name, a number, or a list of them.`, [
        column,
      ]);
    }
    return text.trim();
  });
}

function failedRow(
  line: number,
  fileName: string | null,
  code: Failure['code'],
  message: string,
  field: Failure['field'],
): RowResult {
  return { failure: { line, fileName, code, message, field } };
}

/** The default prefix of the external ids of a folder's items. */
export function folderName(folder: string): string {
  return basename(resolve(folder));
}
