import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CommonspaceError } from '../../../domain/errors.js';
import type { Matrix } from '../../../encoder/math/matrix.js';
import { badBundle } from './bad-bundle.js';
import { readFeatures, readLabels } from './bundle-arrays.js';
import {
  CLASSES_FILE,
  type ClassNames,
  checkNamed,
  parseClassNames,
  parseSplits,
  SPLITS_FILE,
} from './bundle-labels.js';

/** Pairs: row i of `image` and of `text` describe the same thing, of class `labels[i]`. */
export interface BundleRows {
  readonly image: Matrix;
  readonly text: Matrix;
  readonly labels: Int32Array;
}

/** A folder of features after all checks. */
export interface FeatureBundle {
  readonly folder: string;
  readonly train: BundleRows;
  readonly test: BundleRows;
  readonly classNames: ClassNames;
  /** The seen labels of each split in splits.json; null without the file. */
  readonly splits: readonly (readonly number[])[] | null;
  /** Hex SHA-256 of the files' names and contents. */
  readonly sha256: string;
}

const PARTS = ['train', 'test'] as const;
/** Other files of the folder are ignored. */
const ARRAYS = PARTS.flatMap((part) => [`img_${part}.npy`, `txt_${part}.npy`, `label_${part}.npy`]);

export const BUNDLE_FILES: readonly string[] = [...ARRAYS, CLASSES_FILE, SPLITS_FILE];

/**
 * Reads `img_train.npy`, `txt_train.npy`, `label_train.npy`, the same for test, `classes.json` and, if it exists,
 * `splits.json`. docs/evaluation.md describes each file.
 *
 * @throws CommonspaceError BAD_BUNDLE naming the file at fault, and the row if one row is at fault
 */
export async function readBundle(folder: string): Promise<FeatureBundle> {
  const there = await listFolder(folder);
  const files = new Map<string, Buffer>();
  for (const name of BUNDLE_FILES) {
    if (there.has(name)) files.set(name, await readWhole(folder, name));
    else if (name === CLASSES_FILE) throw badBundle(name, 'it is missing, so the labels have no names');
    else if (name !== SPLITS_FILE) throw badBundle(name, `it is missing from ${folder}`);
  }
  const bytes = (name: string) => files.get(name) ?? Buffer.alloc(0);

  const [train, test] = PARTS.map((part) => readRows(part, bytes)) as [BundleRows, BundleRows];
  for (const kind of ['image', 'text'] as const) {
    if (train[kind].columns === test[kind].columns) continue;
    const short = kind === 'image' ? 'img' : 'txt';
    throw badBundle(
      `${short}_test.npy`,
      `its rows have ${test[kind].columns} columns, and those of ${short}_train.npy have ${train[kind].columns}`,
    );
  }
  const classNames = parseClassNames(bytes(CLASSES_FILE).toString('utf8'));
  for (const [part, rows] of [
    ['train', train],
    ['test', test],
  ] as const) {
    checkNamed(`label_${part}.npy`, rows.labels, classNames);
    const classes = new Set(rows.labels);
    if (classes.size < 2) {
      throw badBundle(
        `label_${part}.npy`,
        `every row has label ${rows.labels[0]}, and with one class there is nothing to rank`,
      );
    }
  }
  const splits = files.get(SPLITS_FILE);
  const known = new Set(train.labels);
  const all = new Set([...train.labels, ...test.labels]);
  return {
    folder,
    train,
    test,
    classNames,
    splits: splits === undefined ? null : parseSplits(splits.toString('utf8'), known, all),
    sha256: hashOf(files),
  };
}

function readRows(part: (typeof PARTS)[number], bytes: (name: string) => Buffer): BundleRows {
  const names = { image: `img_${part}.npy`, text: `txt_${part}.npy`, labels: `label_${part}.npy` };
  const image = readFeatures(names.image, bytes(names.image));
  const text = readFeatures(names.text, bytes(names.text));
  const labels = readLabels(names.labels, bytes(names.labels));
  if (image.rows === 0) throw badBundle(names.image, 'it has no rows');
  for (const [name, rows] of [
    [names.text, text.rows],
    [names.labels, labels.length],
  ] as const) {
    if (rows !== image.rows) {
      throw badBundle(
        name,
        `it has ${rows} rows, and ${names.image} has ${image.rows}`,
        Math.min(rows, image.rows),
      );
    }
  }
  return { image, text, labels };
}

async function listFolder(folder: string): Promise<ReadonlySet<string>> {
  try {
    return new Set(await readdir(folder));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    const why =
      code === 'ENOENT'
        ? 'does not exist'
        : code === 'ENOTDIR'
          ? 'is not a folder'
          : `cannot be read (${code})`;
    throw new CommonspaceError('BAD_BUNDLE', `The bundle ${folder} ${why}.`, ['bundle']);
  }
}

async function readWhole(folder: string, name: string): Promise<Buffer> {
  try {
    return await readFile(join(folder, name));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === undefined) throw error;
    throw badBundle(
      name,
      code === 'ERR_FS_FILE_TOO_LARGE' ? 'it is larger than 2 GiB' : `it cannot be read (${code})`,
    );
  }
}

function hashOf(files: ReadonlyMap<string, Buffer>): string {
  const hash = createHash('sha256');
  for (const [name, bytes] of files) hash.update(`${name} ${bytes.length}\n`).update(bytes);
  return hash.digest('hex');
}
