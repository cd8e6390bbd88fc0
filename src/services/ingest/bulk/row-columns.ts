/** Reads the columns of a row. Columns with a meaning may be written in two ways; all others are metadata. */
import { CommonspaceError } from '../../../domain/errors.js';
import { LIMITS } from '../../../domain/limits.js';

type Columns = Readonly<Record<string, unknown>>;

const COLUMNS = {
  fileName: ['file_name', 'fileName'],
  imageUrl: ['image_url', 'imageUrl'],
  imageBase64: ['image_base64', 'imageBase64'],
  mediaId: ['media_id', 'mediaId'],
  text: ['text'],
  title: ['title'],
  classes: ['classes'],
  externalId: ['external_id', 'externalId'],
  pairKey: ['pair_key', 'pairKey'],
  metadata: ['metadata'],
} as const;

/** Columns that hold one string. */
type StringColumn = 'fileName' | 'imageUrl' | 'imageBase64' | 'mediaId' | 'title' | 'externalId' | 'pairKey';

/** The columns of a row, by what they mean. */
export interface RowColumns extends Readonly<Record<StringColumn, string | null>> {
  readonly texts: readonly string[];
  /** Null where the row says nothing of classes. */
  readonly classes: readonly string[] | null;
  readonly metadata: Readonly<Record<string, unknown>>;
}

/** @throws CommonspaceError BAD_ROW naming the column */
export function readColumns(columns: Columns, classColumn: string): RowColumns {
  const rest: Record<string, unknown> = { ...columns };
  const take = (column: string): unknown => {
    const value = rest[column];
    delete rest[column];
    return value;
  };
  const takeAny = ([first, second]: readonly string[]): unknown =>
    (first === undefined ? undefined : take(first)) ?? (second === undefined ? undefined : take(second));
  const string = (name: StringColumn): string | null => stringOf(takeAny(COLUMNS[name]), COLUMNS[name][0]);
  // Before the other columns: the class column may have the name of one of them.
  const labels = take(classColumn);
  const classes = [labels, takeAny(COLUMNS.classes)].filter((value) => value != null);
  const given = take('metadata');
  return {
    fileName: string('fileName'),
    imageUrl: string('imageUrl'),
    imageBase64: string('imageBase64'),
    mediaId: string('mediaId'),
    title: string('title'),
    externalId: string('externalId'),
    pairKey: string('pairKey'),
    texts: textsOf(takeAny(COLUMNS.text)),
    classes: classes.length === 0 ? null : classes.flatMap((value) => classNames(value, classColumn)),
    metadata: isObject(given)
      ? { ...rest, ...given }
      : { ...rest, ...(given != null && { metadata: given }) },
  };
}

function stringOf(value: unknown, column: string): string | null {
  if (value == null || value === '') return null;
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return value;
  throw new CommonspaceError('BAD_ROW', `${column} must be a string.`, [column]);
}

/** A text, or a list of texts of one picture. An empty list is no text, an empty text is a fault. */
function textsOf(value: unknown): string[] {
  if (value == null) return [];
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  return texts.map((text) => {
    if (typeof text !== 'string')
      throw new CommonspaceError('BAD_ROW', 'text must be a string or a list of strings.', ['text']);
    return text;
  });
}

function classNames(value: unknown, column: string): string[] {
  const names: unknown[] = Array.isArray(value) ? value : [value];
  return names.map((name) => {
    const text = typeof name === 'number' || typeof name === 'boolean' ? String(name) : name;
    if (typeof text !== 'string' || text.trim() === '' || text.length > LIMITS.classNameCharacters) {
      throw new CommonspaceError('BAD_ROW', `${column} must be a name, a number, or a list of them.`, [
        column,
      ]);
    }
    return text.trim();
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
