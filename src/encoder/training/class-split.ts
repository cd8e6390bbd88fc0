import { createRandom, shuffle } from '../math/random.js';
import { LEAST_PAIRS } from './source-checks.js';
import { LEAST_VALIDATION_PAIRS, splitPairs } from './training-data.js';

/** Parts that are held out, one after another: a single one would say more about its classes than about the choice. */
const FOLDS = 5;

/** Row numbers, ascending. */
interface RowSplit {
  readonly training: Int32Array;
  readonly validation: Int32Array;
}

/**
 * Several ways to hold whole classes out: what is chosen on them is chosen for classes never seen. Each holds out a share of the
 * classes, two at least, and over all of them every class is held out about as often. Pairs without a class are trained on.
 *
 * Where there are too few classes or pairs for that, pairs are held out instead, once.
 *
 * @param labels [pairs]; −1 for none
 */
export function splitClasses(labels: Int32Array, share: number, seed: number): readonly RowSplit[] {
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
    return {
      training: rows.filter((row) => !out.has(labels[row])),
      validation: rows.filter((row) => out.has(labels[row])),
    };
  });
  const enough =
    classes.length - held >= 2 &&
    folds.every(
      ({ training, validation }) =>
        training.length >= LEAST_PAIRS && validation.length >= LEAST_VALIDATION_PAIRS,
    );
  return enough ? folds : [splitPairs(labels.length, Math.min(share, 0.5), seed)];
}
