/** Groups of pairs that describe the same thing. Pairs of one group are positives of each other and stay on one side of a split. */
import type { SourceSet } from '../types.js';

/** [N]: the group of each pair; each pair is its own group where the source set names none. */
export function groupsOf({ groups, labels }: Pick<SourceSet, 'groups' | 'labels'>): Int32Array {
  return groups ?? Int32Array.from(labels.keys());
}

/**
 * Takes whole groups in the order given, at most `most` pairs in all. A group that is larger than what is left to take is
 * skipped.
 *
 * @param groups [N]
 * @param order [N]: a permutation of the pairs; a group is where its first pair is
 * @param excluded groups that are not taken
 */
export function takeGroups(
  groups: Int32Array,
  order: Int32Array,
  most: number,
  excluded: ReadonlySet<number> = new Set(),
): Set<number> {
  const sizes = new Map<number, number>();
  for (const group of groups) sizes.set(group, (sizes.get(group) ?? 0) + 1);
  const taken = new Set<number>();
  let left = most;
  for (const pair of order) {
    if (left === 0) break;
    const group = groups[pair] as number;
    const size = sizes.get(group) ?? 0;
    if (size > left || taken.has(group) || excluded.has(group)) continue;
    taken.add(group);
    left -= size;
  }
  return taken;
}

/** The pairs that share a group with one of these pairs, themselves included: whether a pair is one. */
export function siblingsOf(groups: Int32Array, pairs: Iterable<number>): (pair: number) => boolean {
  const found = new Set<number>();
  for (const pair of pairs) found.add(groups[pair] as number);
  return (pair) => found.has(groups[pair] as number);
}
