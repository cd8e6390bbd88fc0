import { createRandom, shuffle } from '../math/random.js';
import { siblingsOf } from './groups.js';
import { atMost, VALIDATION_PAIRS } from './scale.js';
import { LEAST_PAIRS } from './source-checks.js';
import { LEAST_VALIDATION_PAIRS, type PreparedPairs, splitPairs } from './training-data.js';

/** Number of splits. The figure of a single split would depend mostly on its classes. */
const FOLDS = 5;

/** Row indices, ascending. */
interface RowSplit {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/**
 * Several splits that hold out whole classes, to choose options for unseen classes. Each split holds out the given share of
 * the classes, at least two, and measures at most `VALIDATION_PAIRS` of their pairs. Over all splits every class is held out about equally often. Pairs without a class are always
 * training pairs. A pair of another class that shares a group with a held-out pair is on neither side.
 *
 * Where there are too few classes or pairs, it returns a single split by pairs instead.
 *
 * @param share of the classes, 0 to 1
 */
export function splitClasses(
  { labels, groups }: Pick<PreparedPairs, 'labels' | 'groups'>,
  share: number,
  seed: number,
): readonly RowSplit[] {
  const classes = shuffle(
    Int32Array.from(new Set(labels.filter((label) => label >= 0))).sort(),
    createRandom(seed, 2),
  );
  const held = Math.max(2, Math.round(classes.length * share));
  const folds = Array.from({ length: FOLDS }, (_, fold) => {
    const first = Math.round((fold * classes.length) / FOLDS);
    return new Set(Array.from({ length: held }, (_, i) => classes[(first + i) % classes.length]));
  }).map((out) => {
    const rows = Int32Array.from(labels.keys());
    const validation = rows.filter((row) => out.has(labels[row]));
    const isSibling = siblingsOf(groups, validation);
    return {
      training: rows.filter((row) => !isSibling(row)),
      validation: atMost(validation, VALIDATION_PAIRS),
    };
  });
  const enough =
    classes.length - held >= 2 &&
    folds.every(
      ({ training, validation }) =>
        training.length >= LEAST_PAIRS && validation.length >= LEAST_VALIDATION_PAIRS,
    );
  return enough ? folds : [splitPairs(groups, Math.min(share, 0.5), seed)];
}
