import type { CommonspaceError } from '../../../domain/errors.js';
import { badBundle } from './bad-bundle.js';

export const CLASSES_FILE = 'classes.json';
export const SPLITS_FILE = 'splits.json';

/** Names of classes by their label. */
export type ClassNames = ReadonlyMap<number, string>;

/**
 * classes.json: a list of names, label 0 first, or an object of names by label.
 *
 * @throws CommonspaceError BAD_BUNDLE
 */
export function parseClassNames(text: string): ClassNames {
  const json = parseJson(CLASSES_FILE, text);
  if (typeof json !== 'object' || json === null) {
    throw badBundle(CLASSES_FILE, 'it holds neither a list of names nor an object of names by label');
  }
  const names = new Map<number, string>();
  const labels = new Map<string, number>();
  for (const [key, name] of Object.entries(json)) {
    const label = Number(key);
    if (!Number.isInteger(label)) throw badBundle(CLASSES_FILE, `"${key}" is not a label`);
    if (typeof name !== 'string' || name.trim() === '')
      throw badBundle(CLASSES_FILE, `label ${label} has no name`);
    const other = labels.get(name);
    if (other !== undefined)
      throw badBundle(CLASSES_FILE, `labels ${other} and ${label} are both named "${name}"`);
    names.set(label, name);
    labels.set(name, label);
  }
  return names;
}

/** @throws CommonspaceError BAD_BUNDLE naming the first row whose label has no name */
export function checkNamed(file: string, rows: Int32Array, names: ClassNames): void {
  const row = rows.findIndex((label) => !names.has(label));
  if (row >= 0) {
    throw badBundle(
      file,
      `label ${rows[row]} has no name in ${CLASSES_FILE}, which names ${names.size} classes`,
      row,
    );
  }
}

/**
 * splits.json: `{"extendable": [{"seen": [label, …]}, …]}`.
 *
 * @param known labels that occur in training rows
 * @param all labels that occur in any row
 * @returns the seen labels of each split, ascending
 * @throws CommonspaceError BAD_BUNDLE
 */
export function parseSplits(
  text: string,
  known: ReadonlySet<number>,
  all: ReadonlySet<number>,
): readonly (readonly number[])[] {
  const json = parseJson(SPLITS_FILE, text) as { readonly extendable?: unknown } | null;
  const splits = json?.extendable;
  if (!Array.isArray(splits) || splits.length === 0) {
    throw badBundle(SPLITS_FILE, 'it has no list "extendable" of {"seen": [label, …]}');
  }
  return splits.map((split: { readonly seen?: unknown } | null, i) => {
    const seen = split?.seen;
    if (!Array.isArray(seen)) throw badSplit(i, 'it has no list "seen" of labels');
    for (const label of seen) {
      if (!known.has(label)) throw badSplit(i, `label ${JSON.stringify(label)} is in no training row`);
    }
    const labels = [...new Set(seen as number[])].sort((a, b) => a - b);
    if (labels.length < seen.length) throw badSplit(i, 'it has a label twice');
    const left = [...all].filter((label) => !labels.includes(label)).length;
    if (left === 0) throw badSplit(i, 'every class is seen, so no class is unseen');
    if (labels.length < 2 || left < 2) {
      throw badSplit(i, `${labels.length} classes are seen and ${left} unseen; two of each are needed`);
    }
    return labels;
  });
}

function badSplit(split: number, what: string): CommonspaceError {
  return badBundle(SPLITS_FILE, `split ${split}: ${what}`);
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw badBundle(file, `it is not JSON (${error instanceof Error ? error.message : String(error)})`);
  }
}
