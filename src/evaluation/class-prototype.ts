import type { ClassMean } from '../catalog/types.js';
import { softmax, unit } from '../domain/vectors.js';

/**
 * A class's name counts as this many items in its prototype: a class without items stands where its name says, one with
 * many where they are. This and the next three are ours; docs/decisions/0010-unseen-classes.md says how they were chosen.
 */
export const NAME_COUNTS_AS_ITEMS = 1;

/**
 * What is added to the similarity of a class that the encoder never saw, before classes are compared: an encoder holds
 * everything for close to what it has learnt (calibrated stacking; Chao, Changpinyo, Gong, Sha 2016).
 */
export const UNSEEN_BONUS = 0.25;

/** With so many items a class needs half of that bonus. */
export const BONUS_HALVES_AT_ITEMS = 4;

/** Temperature of the softmax over cosine similarities. */
export const CLASSIFY_TEMPERATURE = 0.1;

/**
 * Where a class stands in the common space: the unit vector along w · name + n · mean, with w = NAME_COUNTS_AS_ITEMS, n the
 * number of its items and `mean` their mean embedding. Without items it is the name's embedding; each item that arrives
 * turns it further toward the items' mean. Zeros where there is neither a name's embedding nor an item.
 */
export function classPrototype(
  name: Float32Array | undefined,
  items: ClassMean | undefined,
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
  /** Whether the encoder saw the class. */
  readonly seen: boolean;
  /** How many items its prototype is made of. */
  readonly items: number;
}

/** What classes are ordered by: the similarity, with what an unseen class is given in advance. */
export function classScore({ similarity, seen, items }: Candidate): number {
  return seen ? similarity : similarity + UNSEEN_BONUS / (1 + items / BONUS_HALVES_AT_ITEMS);
}

/** How probable each class is, of those that were compared: a softmax over their scores. */
export function classProbabilities(candidates: readonly Candidate[]): number[] {
  return softmax(candidates.map((candidate) => classScore(candidate) / CLASSIFY_TEMPERATURE));
}

/** sum += factor · vector */
export function addScaled(sum: Float32Array, vector: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + factor * (vector[i] as number);
}
