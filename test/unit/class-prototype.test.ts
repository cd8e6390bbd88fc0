import { describe, expect, it } from 'vitest';
import { cosine, unit } from '../../src/domain/vectors.js';
import {
  BONUS_HALVES_AT_ITEMS,
  classProbabilities,
  classPrototype,
  classScore,
  NAME_COUNTS_AS_ITEMS,
  UNSEEN_BONUS,
} from '../../src/evaluation/class-prototype.js';

const name = unit(Float32Array.of(1, 0.2, 0));
const mean = Float32Array.of(0.1, 0.5, 0.4);

describe('the prototype of a class', () => {
  it("is its name's embedding while it has no item", () => {
    expect(cosine(classPrototype(name, undefined, 3), name)).toBeCloseTo(1, 6);
  });

  it("moves toward its items' mean, further with each item that arrives, and away from its name", () => {
    const prototypes = Array.from({ length: 200 }, (_, count) =>
      classPrototype(name, count === 0 ? undefined : { mean, count }, 3),
    );
    const toMean = prototypes.map((prototype) => cosine(prototype, mean));
    const toName = prototypes.map((prototype) => cosine(prototype, name));
    for (let count = 1; count < prototypes.length; count += 1) {
      expect(toMean[count]).toBeGreaterThan(toMean[count - 1] as number);
      expect(toName[count]).toBeLessThan(toName[count - 1] as number);
    }
    expect(toMean.at(-1)).toBeGreaterThan(0.99);
  });

  it('gives the name the weight of NAME_COUNTS_AS_ITEMS items', () => {
    const half = classPrototype(name, { mean: unit(mean), count: NAME_COUNTS_AS_ITEMS }, 3);
    expect(cosine(half, name)).toBeCloseTo(cosine(half, mean), 6);
  });

  it('is of unit length, and zeros where there is neither a name nor an item', () => {
    expect(cosine(classPrototype(name, { mean, count: 3 }, 3), Float32Array.of(1, 0, 0))).toBeLessThan(1);
    expect(Math.hypot(...classPrototype(undefined, { mean, count: 3 }, 3))).toBeCloseTo(1, 6);
    expect([...classPrototype(undefined, undefined, 3)]).toEqual([0, 0, 0]);
  });
});

describe('candidate classes', () => {
  const seen = (similarity: number) => ({ similarity, seen: true, items: 100 });
  const unseen = (similarity: number, items = 0) => ({ similarity, seen: false, items });

  it('have probabilities of sum 1, in the order of the similarities', () => {
    const [low = 0, high = 0, middle = 0] = classProbabilities([seen(0.1), seen(0.6), seen(0.3)]);
    expect(low + high + middle).toBeCloseTo(1, 12);
    expect(high).toBeGreaterThan(middle);
    expect(middle).toBeGreaterThan(low);
  });

  it('get a bonus if they are unseen, less of it with each item', () => {
    expect(classScore(seen(0.3))).toBe(0.3);
    expect(classScore(unseen(0.3))).toBeCloseTo(0.3 + UNSEEN_BONUS, 12);
    expect(classScore(unseen(0.3, BONUS_HALVES_AT_ITEMS))).toBeCloseTo(0.3 + UNSEEN_BONUS / 2, 12);
    expect(classScore(unseen(0.3, 1000))).toBeCloseTo(0.3, 2);
  });

  it('have the same probabilities with and without the bonus if all are unseen', () => {
    const given = classProbabilities([unseen(0.1), unseen(0.5)]);
    const plain = classProbabilities([seen(0.1), seen(0.5)]);
    given.forEach((p, i) => {
      expect(p).toBeCloseTo(plain[i] ?? Number.NaN, 12);
    });
  });
});
