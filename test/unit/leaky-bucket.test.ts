import { describe, expect, it } from 'vitest';
import { LeakyBucket } from '../../src/domain/leaky-bucket.js';

describe('a leaky bucket', () => {
  const at = { ms: 0 };
  const clock = () => at.ms;

  it('gives out what a minute allows, and then as it drains', () => {
    const bucket = new LeakyBucket(clock);
    expect(bucket.take(60, 60)).toBe(0);
    expect(bucket.left(60)).toBe(0);
    expect(bucket.take(5, 60)).toBe(5);
    at.ms += 4_000;
    expect(bucket.take(5, 60)).toBe(1);
    at.ms += 1_000;
    expect(bucket.take(5, 60)).toBe(0);
    at.ms += 3_600_000;
    expect(bucket.left(60)).toBe(60);
  });

  it('gives more than a minute allows when it is full, and is then empty for longer', () => {
    const bucket = new LeakyBucket(clock);
    expect(bucket.take(1, 60)).toBe(0);
    expect(bucket.take(180, 60)).toBe(1);
    at.ms += 1_000;
    expect(bucket.take(180, 60)).toBe(0);
    expect(bucket.left(60)).toBe(-120);
    expect(bucket.take(1, 60)).toBe(121);
    expect(bucket.take(0, 60)).toBe(0);
  });

  it('can be told of what was used already', () => {
    const bucket = new LeakyBucket(clock);
    bucket.add(90);
    expect(bucket.take(1, 60)).toBe(31);
    at.ms += 31_000;
    expect(bucket.take(1, 60)).toBe(0);
  });
});
