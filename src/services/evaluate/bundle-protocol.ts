/** The training rows and the measured rows of each protocol. */

import { takeRows } from '../../encoder/math/matrix.js';
import { createRandom, shuffle } from '../../encoder/math/random.js';
import { chooseClassEmbeddings } from '../../encoder/training/class-embeddings.js';
import { atMost } from '../../encoder/training/scale.js';
import type { SourceSet } from '../../encoder/types.js';
import { MOST_MEASURED, samplingNote } from '../../evaluation/evaluate-held-out.js';
import type { MeasuredPart } from '../../evaluation/measured-part.js';
import { rowHashes, siblingGroups } from '../../evaluation/sibling-groups.js';
import { badBundle } from './bundle/bad-bundle.js';
import { CLASSES_FILE } from './bundle/bundle-labels.js';
import type { BundleRows, FeatureBundle } from './bundle/read-bundle.js';
import type { Protocol } from './train-for.js';

/** One training with the classes that it is measured on. */
export interface BundleSplit {
  /** Index of the split in splits.json; null where the seed draws it, or where classes are not split. */
  readonly split: number | null;
  readonly seed: number;
  /** Labels, ascending. */
  readonly seen: readonly number[];
  readonly unseen: readonly number[];
}

/**
 * Non-extendable: all classes are seen, one training for each seed. Extendable: one training for each split of splits.json and
 * each seed; without the file, each seed draws half of the classes.
 *
 * @throws CommonspaceError BAD_BUNDLE if there are too few classes to split
 */
export function planSplits(
  bundle: FeatureBundle,
  protocol: Protocol,
  seeds: readonly number[],
): BundleSplit[] {
  const labels = [...new Set([...bundle.train.labels, ...bundle.test.labels])].sort((a, b) => a - b);
  if (protocol === 'non-extendable') {
    const seen = [...new Set(bundle.train.labels)].sort((a, b) => a - b);
    const unseen = labels.filter((label) => !seen.includes(label));
    return seeds.map((seed) => ({ split: null, seed, seen, unseen }));
  }
  const withUnseen = (seen: readonly number[]) => ({
    seen,
    unseen: labels.filter((label) => !seen.includes(label)),
  });
  const { splits } = bundle;
  if (splits !== null)
    return splits.flatMap((seen, split) => seeds.map((seed) => ({ split, seed, ...withUnseen(seen) })));
  const known = [...new Set(bundle.train.labels)].sort((a, b) => a - b);
  if (known.length < 4) {
    throw badBundle(
      CLASSES_FILE,
      `training rows have ${known.length} classes, and half of them can be unseen only from 4 on`,
    );
  }
  return seeds.map((seed) => {
    const order = shuffle(Int32Array.from(known), createRandom(seed, 11));
    const seen = [...order.subarray(0, known.length >> 1)].sort((a, b) => a - b);
    return { split: null, seed, ...withUnseen(seen) };
  });
}

/**
 * The training rows of the seen classes. Rows whose picture or text has the same features, byte for byte, are one group. Class embeddings are made of their texts, because a folder of features has no feature of
 * a class name.
 */
export function sourceOf({ train, classNames }: FeatureBundle, seen: readonly number[]): SourceSet {
  const indexOf = new Map(seen.map((label, i) => [label, i]));
  const rows = rowsOfClasses(train.labels, new Set(seen));
  const [image, text] = [takeRows(train.image, rows), takeRows(train.text, rows)];
  const labels = rows.map((row) => indexOf.get(train.labels[row] as number) ?? -1);
  const names = seen.map((label) => classNames.get(label) ?? String(label));
  const { embeddings, kind } = chooseClassEmbeddings({ classTexts: names, nameFeatures: null, text, labels });
  return {
    image,
    text,
    labels,
    groups: siblingGroups([{ of: rowHashes(image) }, { of: rowHashes(text) }]),
    classNames: names,
    classEmbeddings: embeddings,
    classEmbeddingKind: kind,
  };
}

/**
 * The test rows of some classes, at most MOST_MEASURED of them at even distances; null for fewer than two pairs, where every query
 * finds its counterpart first.
 */
export function partOf({ test, classNames }: FeatureBundle, classes: readonly number[]): MeasuredPart | null {
  const rows = atMost(rowsOfClasses(test.labels, new Set(classes)), MOST_MEASURED);
  if (rows.length < 2) return null;
  const indexOf = new Map(classes.map((label, i) => [label, i]));
  const width = String(test.labels.length).length;
  const side = (features: BundleRows['image']) => ({
    features: takeRows(features, rows),
    classes: rows.map((row) => indexOf.get(test.labels[row] as number) ?? -1),
    // The row in the file. All have the same width, because ids are compared as text.
    ids: Array.from(rows, (row) => String(row).padStart(width, '0')),
    pairs: rows,
  });
  return {
    sides: { IMAGE: side(test.image), TEXT: side(test.text) },
    classNames: classes.map((label) => classNames.get(label) ?? String(label)),
  };
}

/** The notes on parts of which only a sample is measured. */
export function samplingNotesOf(
  { test }: Pick<FeatureBundle, 'test'>,
  parts: readonly (readonly number[])[],
): string[] {
  return parts.flatMap((classes) =>
    samplingNote(rowsOfClasses(test.labels, new Set(classes)).length, 'test pairs'),
  );
}

function rowsOfClasses(labels: Int32Array, classes: ReadonlySet<number>): Int32Array {
  return Int32Array.from(labels.keys()).filter((row) => classes.has(labels[row] as number));
}
