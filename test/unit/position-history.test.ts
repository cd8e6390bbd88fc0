import { describe, expect, it } from 'vitest';
import { PositionHistory } from '../../src/catalog/postgres/position-history.js';

const NEVER = Number.POSITIVE_INFINITY;

describe('the lag of a replica', () => {
  it('is the time since the log of the primary was seen beyond its position', () => {
    const history = new PositionHistory(10_000);
    expect(history.lagOf(5n, 0)).toBe(NEVER);
    for (const [i, position] of [10n, 20n, 20n, 30n].entries()) history.note(position, i * 1_000);
    expect(history.latest).toBe(30n);
    expect(history.lagOf(30n, 3_500)).toBe(0);
    expect(history.lagOf(29n, 3_500)).toBe(500);
    expect(history.lagOf(20n, 3_500)).toBe(500);
    expect(history.lagOf(10n, 3_500)).toBe(2_500);
  });

  it('is 0 while nothing is written, and does not grow with the time', () => {
    const history = new PositionHistory(1_000);
    for (let i = 0; i < 100; i += 1) history.note(10n, i * 1_000);
    expect(history.lagOf(10n, 1_000_000)).toBe(0);
  });

  it('is not known of a position before all that are kept', () => {
    const history = new PositionHistory(2_000);
    history.note(10n, 0);
    // The log may have been there for long.
    expect(history.lagOf(9n, 1)).toBe(NEVER);
    for (let i = 1; i <= 10; i += 1) history.note(10n + BigInt(i), i * 1_000);
    expect(history.lagOf(10n, 10_000)).toBe(NEVER);
    expect(history.lagOf(17n, 10_000)).toBe(2_000);
  });

  it('begins anew with a primary whose log is shorter', () => {
    const history = new PositionHistory(10_000);
    history.note(1_000n, 0);
    history.note(10n, 1_000);
    expect(history.latest).toBe(10n);
    expect(history.lagOf(10n, 1_500)).toBe(0);
    expect(history.lagOf(9n, 1_500)).toBe(NEVER);
  });
});
