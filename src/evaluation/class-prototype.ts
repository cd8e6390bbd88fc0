import { softmax, unit } from '../domain/vectors.js';

/**
 * The weight of a class's name in its prototype, in items: the prototype of a class without items is its name's embedding, that
 * of a class with many items is near their mean. This and the next three values are ours;
 * docs/decisions/0010-unseen-classes.md and 0026-semantic-branch.md say how they were chosen.
 */
export const NAME_COUNTS_AS_ITEMS = 1;

/**
 * Added to the similarity of an unseen class before classes are compared, because an encoder favours the classes of its
 * training set (calibrated stacking; Chao, Changpinyo, Gong, Sha 2016).
 */
export const UNSEEN_BONUS = 0.3;

/** The number of items at which a class gets half of that bonus. */
export const BONUS_HALVES_AT_ITEMS = 4;

/** Temperature of the softmax over cosine similarities. */
export const CLASSIFY_TEMPERATURE = 0.1;

/** The mean embedding of a class's items (not of unit length), and their number. */
export interface ItemsMean {
  readonly mean: Float32Array;
  readonly count: number;
}

/**
 * The prototype of a class in the common space: the unit vector along w · name + n · mean, with w = NAME_COUNTS_AS_ITEMS, n the
 * number of its items and `mean` their mean embedding. Zeros where there is neither a name's embedding nor an item.
 */
export function classPrototype(
  name: Float32Array | undefined,
  items: ItemsMean | undefined,
  dimension: number,
): Float32Array {
  const sum = new Float32Array(dimension);
  if (name !== undefined) addScaled(sum, name, NAME_COUNTS_AS_ITEMS);
  if (items !== undefined) addScaled(sum, items.mean, items.count);
  return unit(sum);
}

/** A class to choose among. */
export interface Candidate {
  /** Cosine similarity of the query and the class's prototype. */
  readonly similarity: number;
  /** Whether the class is in the encoder's training set. */
  readonly seen: boolean;
  /** The number of items in its prototype. */
  readonly items: number;
}

/** The score that classes are ordered by: the similarity, plus the bonus of an unseen class. */
export function classScore({ similarity, seen, items }: Candidate): number {
  return seen ? similarity : similarity + UNSEEN_BONUS / (1 + items / BONUS_HALVES_AT_ITEMS);
}

/** The probability of each class among the candidates: a softmax over their scores. */
export function classProbabilities(candidates: readonly Candidate[]): number[] {
  return softmax(candidates.map((candidate) => classScore(candidate) / CLASSIFY_TEMPERATURE));
}

/** sum += factor · vector */
export function addScaled(sum: Float32Array, vector: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + factor * (vector[i] as number);
}
