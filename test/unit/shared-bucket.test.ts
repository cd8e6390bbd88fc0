import { beforeEach, describe, expect, it } from 'vitest';
import { SharedBucket } from '../../src/domain/shared-bucket.js';

describe('a bucket that several servers fill', () => {
  let ms = 0;
  const bucket = () => new SharedBucket(() => ms);
  beforeEach(() => {
    ms = 0;
  });

  it('tells the seconds in which it drains, once', () => {
    const one = bucket();
    expect(one.takeUnsent()).toBe(0);
    expect(one.take(30, 60)).toBe(0);
    one.add(60, 60);
    expect(one.take(1, 60)).toBe(31);
    expect(one.takeUnsent()).toBeCloseTo(90);
    expect(one.takeUnsent()).toBe(0);
  });

  it('holds what all servers have put in, and what was put in since it told them', () => {
    const one = bucket();
    one.add(10, 60);
    expect(one.takeUnsent()).toBeCloseTo(10);
    one.add(5, 60);
    one.receive(30);
    expect(one.left(60)).toBeCloseTo(25);
    one.add(5, 60);
    expect(one.left(60)).toBeCloseTo(20);
    expect(one.takeUnsent()).toBeCloseTo(10);
    ms += 2_000;
    expect(one.left(60)).toBeCloseTo(22);
  });

  it('drains from when it was told, also before it is used here', () => {
    const one = bucket();
    one.receive(60);
    ms += 30_000;
    expect(one.left(600)).toBeCloseTo(300);
    one.receive(0);
    expect(one.left(600)).toBe(600);
  });

  it('does not count what drained while the others could not be told', () => {
    const one = bucket();
    one.add(60, 60);
    one.putBack(one.takeUnsent());
    ms += 45_000;
    expect(one.takeUnsent()).toBeCloseTo(15);
    one.putBack(15);
    ms += 60_000;
    expect(one.takeUnsent()).toBe(0);
  });
});
