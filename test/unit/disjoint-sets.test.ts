import { expect, it } from 'vitest';
import { DisjointSets } from '../../src/domain/disjoint-sets.js';

it('joins sets, names them by their smallest id, and counts them, in any order', () => {
  const pairs = [
    ['d', 'e'],
    ['b', 'c'],
    ['c', 'd'],
    ['x', 'y'],
    ['e', 'b'],
  ] as const;
  for (const order of [pairs, pairs.toReversed()]) {
    const sets = new DisjointSets();
    for (const [a, b] of order) sets.join(b, a);
    expect(['b', 'c', 'd', 'e', 'x', 'y', 'z'].map((id) => sets.rootOf(id))).toEqual([
      'b',
      'b',
      'b',
      'b',
      'x',
      'x',
      'z',
    ]);
    expect(['e', 'y', 'z'].map((id) => sets.sizeOf(id))).toEqual([4, 2, 1]);
  }
});
