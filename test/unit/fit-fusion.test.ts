import { describe, expect, it } from 'vitest';
import { SHIPPED_COEFFICIENTS } from '../../src/domain/fusion.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { type FusionSample, fitWithoutCounterpart } from '../../src/evaluation/fit-fusion.js';

const { TEXT } = SHIPPED_COEFFICIENTS;

/** Samples whose relevance follows the logistic model with these coefficients. */
function samples(count: number, constant: number, content: number): FusionSample[] {
  const random = createRandom(7);
  return Array.from({ length: count }, (_, i) => {
    const c = random.uniform();
    const probability = 1 / (1 + Math.exp(-(constant + content * c)));
    return {
      content: c,
      borrowed: 0.3,
      counterpartBest: 0.5,
      lexicalBest: 0.5,
      relevant: random.uniform() < probability,
      group: String(i % 200),
    };
  });
}

describe('the fit of the formula for items without a counterpart', () => {
  it('comes close to the coefficients that the samples follow', async () => {
    const fitted = await fitWithoutCounterpart(samples(4_000, -6, 9), TEXT);
    const { withoutCounterpart: o } = fitted ?? TEXT;
    const linear = (c: number) =>
      o.constant +
      o.content * c -
      o.counterpartBest * 0.5 +
      o.borrowed * 0.3 -
      o.borrowedGap * 0.2 -
      o.lexicalBest * 0.5;
    expect(linear(0.5)).toBeCloseTo(-1.5, 0);
    expect(linear(1) - linear(0)).toBeGreaterThan(7);
    expect(fitted?.withCounterpart).toEqual(TEXT.withCounterpart);
  });

  it('keeps all coefficients but the constant at 0 or more', async () => {
    const opposed = samples(2_000, -2, 0).map((sample) => ({ ...sample, relevant: sample.content < 0.3 }));
    const { constant: _constant, ...rest } = ((await fitWithoutCounterpart(opposed, TEXT)) ?? TEXT)
      .withoutCounterpart;
    expect(Object.values(rest).every((value) => value >= 0)).toBe(true);
    expect(rest.content).toBeLessThan(0.01);
  });

  it('is null where nothing is relevant', async () => {
    const none = samples(100, -5, 0).map((sample) => ({ ...sample, relevant: false }));
    expect(await fitWithoutCounterpart(none, TEXT)).toBeNull();
  });
});
