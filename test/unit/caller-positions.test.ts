import { beforeEach, describe, expect, it } from 'vitest';
import { CallerPositions } from '../../src/services/access/caller-positions.js';

describe('the positions of callers', () => {
  const at = { ms: 0 };
  let positions: CallerPositions;
  beforeEach(() => {
    at.ms = 0;
    positions = new CallerPositions(10_000, 3, () => at.ms);
  });

  it('are those of their own latest writes', () => {
    expect(positions.of('one')).toBe(0n);
    positions.note('one', 10n);
    positions.note('other', 20n);
    expect([positions.of('one'), positions.of('other'), positions.of('third')]).toEqual([10n, 20n, 0n]);
    positions.note('one', 30n);
    // The answers of two writes at once are in any order.
    positions.note('one', 25n);
    expect(positions.of('one')).toBe(30n);
  });

  it('send reads to the primary for a while after a write whose position is not known', () => {
    positions.note('one', 10n);
    positions.note('one', null);
    positions.note('one', 20n);
    at.ms = 9_999;
    expect(positions.of('one')).toBeNull();
    expect(positions.of('other')).toBe(0n);
    at.ms = 10_000;
    expect(positions.of('one')).toBe(20n);
  });

  it('are bounded, and callers that are no longer remembered see no less', () => {
    for (let i = 1; i <= 4; i += 1) positions.note(`caller ${i}`, BigInt(i * 10));
    expect(positions.of('caller 4')).toBe(40n);
    expect(positions.of('caller 1')).toBe(10n);
    positions.note('caller 2', 50n);
    positions.note('caller 5', null);
    positions.note('caller 6', 60n);
    // 3 and 4 were the oldest.
    expect(positions.of('caller 3')).toBe(40n);
    expect(positions.of('a new caller')).toBe(40n);
    for (let i = 7; i < 10; i += 1) positions.note(`caller ${i}`, 70n);
    expect(positions.of('a new caller')).toBeNull();
    at.ms = 10_000;
    expect(positions.of('a new caller')).toBe(60n);
  });
});
