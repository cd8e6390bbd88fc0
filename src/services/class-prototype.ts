import type { ClassMean } from '../catalog/types.js';
import { softmax, unit } from '../domain/vectors.js';

/**
 * A class's name counts as this many items in its prototype: a class without items stands where its name says, one with
 * many where they are. Ours, not the paper's; docs/decisions/0006-unseen-classes.md says how it was chosen.
 */
export const NAME_COUNTS_AS_ITEMS = 4;

/** Temperature of the softmax over cosine similarities; ours, not the paper's, and chosen there too. */
export const CLASSIFY_TEMPERATURE = 0.07;

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

/** How probable each class is, of those that were compared: a softmax over the similarities to their prototypes. */
export function classProbabilities(similarities: readonly number[]): number[] {
  return softmax(similarities.map((similarity) => similarity / CLASSIFY_TEMPERATURE));
}

/** sum += factor · vector */
export function addScaled(sum: Float32Array, vector: Float32Array, factor: number): void {
  for (let i = 0; i < sum.length; i += 1) sum[i] = (sum[i] as number) + factor * (vector[i] as number);
}
