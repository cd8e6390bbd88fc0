/** The folds that tuning measures on: pairs, or whole classes, held out of the training pairs. */
import { createRandom, sampleRows, shuffle } from '../math/random.js';
import type { TrainOptions, Tuning } from '../types.js';
import { siblingsOf, takeGroups } from './groups.js';
import { type HeldPairs, holdOut, type PreparedPairs, type PreparedSource } from './training-data.js';

export interface Fold {
  readonly training: PreparedPairs;
  readonly validation: HeldPairs;
}

const FOLDS = { pairs: 2, classes: 3 } as const;
/** Share of the pairs, or of the classes, that a fold holds out. */
const HELD_OUT = { pairs: 0.2, classes: 0.4 } as const;
/**
 * Limits of the rows that a fold trains on. Between them tuning takes as long as the training of the encoder's networks: all
 * networks that it trains have as many rows together.
 */
const ROWS_TRAINED_ON = { least: 1500, most: 4000 } as const;
/** Upper limit of the rows that a fold measures: more rows hardly change the choice and take longer. */
const MOST_MEASURED = 500;
/** With fewer rows to train on or to measure, a fold is not used: dozens of combinations compared on few rows differ by chance. */
const LEAST_TRAINED_ON = 50;
const LEAST_MEASURED = 50;
/** At least two classes are held out (with one, every item is relevant), and two are left to train on. */
const LEAST_CLASSES = 4;

/**
 * The folds; empty where there are too few pairs or classes. The same input and seed give the same folds.
 *
 * @param settings number of network settings that are trained on each fold
 */
export function makeFolds(
  prepared: PreparedSource,
  { tune, seed, members }: TrainOptions & { readonly tune: Exclude<Tuning, 'none'> },
  settings: number,
): Fold[] {
  const { labels } = prepared.pairs;
  const networks = FOLDS[tune] * (settings + members - 1);
  const most = Math.floor((labels.length * members) / networks);
  const { least } = ROWS_TRAINED_ON;
  const mostTrainedOn = Math.min(ROWS_TRAINED_ON.most, Math.max(least, most));
  const folds = Array.from({ length: FOLDS[tune] }, (_, fold) =>
    foldOf(prepared, tune, seed, fold, mostTrainedOn),
  );
  return folds.filter((fold) => fold !== null);
}

/**
 * The first fold of held-out pairs with all rows that it does not hold out; null where the folds train on more than half of the pairs
 * already. Networks gain more by further rows than linear maps do, so shares of the parts chosen on few rows would favour the latter.
 */
export function largeFold(
  prepared: PreparedSource,
  { tune, seed }: TrainOptions,
  folds: readonly Fold[],
): Fold | null {
  const pairs = prepared.pairs.labels.length;
  if (tune !== 'pairs' || folds.some(({ training }) => training.labels.length > pairs / 2)) return null;
  return foldOf(prepared, tune, seed, 0, pairs);
}

/** Null where too few rows are left to train on or to measure. */
function foldOf(
  prepared: PreparedSource,
  tune: Exclude<Tuning, 'none'>,
  seed: number,
  fold: number,
  mostTrainedOn: number,
): Fold | null {
  const { labels, groups } = prepared.pairs;
  const rows = Int32Array.from({ length: labels.length }, (_, row) => row);
  const sample = (of: Int32Array, limit: number) => sampleRows(of, limit, createRandom(seed, 300 + fold));
  const isHeld =
    tune === 'pairs' ? heldPairs(groups, seed, fold) : heldClasses(labels, prepared.classes, seed, fold);
  if (isHeld === null) return null;
  const heldRows = rows.filter(isHeld);
  const isSibling = siblingsOf(groups, heldRows);
  const held = sample(heldRows, MOST_MEASURED);
  const rest = sample(
    rows.filter((row) => !isSibling(row)),
    mostTrainedOn,
  );
  if (held.length < LEAST_MEASURED || rest.length < LEAST_TRAINED_ON) return null;
  const { training, validation } = holdOut(prepared, { training: rest, validation: held });
  return validation && { training, validation };
}

/** Holds out whole groups of pairs. Held-out pairs of different folds do not overlap. */
function heldPairs(groups: Int32Array, seed: number, fold: number): (row: number) => boolean {
  const rows = Int32Array.from({ length: groups.length }, (_, row) => row);
  const order = shuffle(rows, createRandom(seed, 200));
  const count = Math.floor(groups.length * HELD_OUT.pairs);
  const ofEarlier = new Set<number>();
  for (let before = 0; before < fold; before += 1)
    for (const group of takeGroups(groups, order, count, ofEarlier)) ofEarlier.add(group);
  const held = takeGroups(groups, order, count, ofEarlier);
  return (row) => held.has(groups[row] as number);
}

/** Holds out all pairs of some classes; null where there are too few classes. */
function heldClasses(
  labels: Int32Array,
  classes: number,
  seed: number,
  fold: number,
): ((row: number) => boolean) | null {
  const present = [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b);
  if (classes === 0 || present.length < LEAST_CLASSES) return null;
  const order = shuffle(Int32Array.from(present), createRandom(seed, 210 + fold));
  const held = new Set(order.subarray(0, Math.max(2, Math.round(present.length * HELD_OUT.classes))));
  return (row) => held.has(labels[row] as number);
}
