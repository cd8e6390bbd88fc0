import { describe, expect, it } from 'vitest';
import { METRIC_NAMES, type MetricName, mean, median } from '../../src/domain/metric-values.js';
import type { QueryScores } from '../../src/domain/metrics-scores.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { percentileInterval, resample } from '../../src/evaluation/bootstrap.js';
import {
  differenceEstimate,
  estimatePart,
  harmonicMeans,
  meanOfParts,
  methodFigures,
} from '../../src/evaluation/estimates.js';

/** Queries with these average precisions and ranks (null: the query does not count); by default one for each pair. */
function scores(
  aps: readonly (number | null)[],
  ranks: readonly (number | null)[],
  pairs: readonly number[] = aps.map((_, i) => i),
): QueryScores {
  const column = (values: readonly (number | null)[]) => Float64Array.from(values, (x) => x ?? Number.NaN);
  const values = Object.fromEntries(
    METRIC_NAMES.filter((name) => name !== 'median_rank').map((name) => [
      name,
      column(
        name === 'mrr@10'
          ? ranks.map((rank) => rank && 1 / rank)
          : name.startsWith('recall')
            ? ranks.map((rank) => rank && (rank <= Number(name.slice(7)) ? 1 : 0))
            : aps,
      ),
    ]),
  ) as Record<Exclude<MetricName, 'median_rank'>, Float64Array>;
  return {
    values,
    firstRank: column(ranks),
    relevant: Int32Array.from(aps, (ap) => (ap === null ? 0 : 2)),
    counterparts: Int32Array.from(ranks, (rank) => (rank === null ? 0 : 1)),
    pairs: Int32Array.from(pairs),
    gallery: 10,
  };
}

const options = { resamples: 200, seed: 7, part: 'seen' } as const;

/** The pairs of each draw: as many as there are, with replacement (docs/evaluation.md). */
function draws(units: number, { resamples, seed }: typeof options): number[][] {
  const random = createRandom(seed, 301);
  return Array.from({ length: resamples }, () =>
    Array.from({ length: units }, () => Math.floor(random.uniform() * units)),
  );
}

describe('resampling the pairs', () => {
  it('gives each draw the plain mean and median of the queries drawn', () => {
    const aps = [0.1, 0.5, 0.9, 0.3, 0.7];
    const ranks = [1, 4, 2, 9, 6];
    const [drawn] = resample([{ i2t: scores(aps, ranks), t2i: scores(aps.toReversed(), ranks) }], options);
    draws(5, options).forEach((units, draw) => {
      const of = (values: readonly number[]) => units.map((unit) => values[unit] ?? 0);
      expect(drawn?.i2t['map@all'][draw]).toBeCloseTo(mean(of(aps)) ?? 0, 12);
      expect(drawn?.t2i['map@all'][draw]).toBeCloseTo(mean(of(aps.toReversed())) ?? 0, 12);
      expect(drawn?.i2t['mrr@10'][draw]).toBeCloseTo(mean(of(ranks).map((rank) => 1 / rank)) ?? 0, 12);
      expect(drawn?.i2t.median_rank[draw]).toBe(median(of(ranks)));
    });
  });

  it('draws the images and texts of a pair together, and leaves out queries that do not count', () => {
    // Pair 0 has two texts; the text of pair 2 has no relevant item; one image has no pair.
    const images = scores([0.2, 0.4, 0.6, 0.8], [1, 2, 3, null], [0, 1, 2, -1]);
    const texts = scores([0.1, 0.3, 0.5, null], [5, 6, 7, 8], [0, 0, 1, 2]);
    const [drawn] = resample([{ i2t: images, t2i: texts }], options);
    draws(4, options).forEach((units, draw) => {
      const count = (unit: number) => units.filter((x) => x === unit).length;
      const [w0, w1, w2, w3] = [count(0), count(1), count(2), count(3)];
      const image = (0.2 * w0 + 0.4 * w1 + 0.6 * w2 + 0.8 * w3) / 4;
      const text = (0.1 * w0 + 0.3 * w0 + 0.5 * w1) / (2 * w0 + w1);
      expect(drawn?.i2t['map@all'][draw]).toBeCloseTo(image, 12);
      // A draw without a query that counts has no figure.
      if (2 * w0 + w1 === 0) expect(drawn?.t2i['map@all'][draw]).toBeNaN();
      else expect(drawn?.t2i['map@all'][draw]).toBeCloseTo(text, 12);
    });
  });

  it('uses the same draws for all methods, and different draws for seen and unseen parts', () => {
    const one = scores([0.1, 0.5, 0.9], [1, 2, 3]);
    const [a, b] = resample(
      [
        { i2t: one, t2i: one },
        { i2t: one, t2i: one },
      ],
      options,
    );
    expect(b).toEqual(a);
    expect(resample([{ i2t: one, t2i: one }], options)).toEqual([a]);
    expect(resample([{ i2t: one, t2i: one }], { ...options, part: 'unseen' })).not.toEqual([a]);
  });
});

describe('intervals', () => {
  it('go from the 2.5 % to the 97.5 % quantile, linear between two draws', () => {
    const interval = (draws: Float64Array) => percentileInterval(draws, 0.95)?.map((x) => x.toFixed(9));
    expect(interval(Float64Array.from({ length: 101 }, (_, i) => 100 - i))).toEqual([
      '2.500000000',
      '97.500000000',
    ]);
    expect(interval(Float64Array.of(1, 2))).toEqual(['1.025000000', '1.975000000']);
    expect(percentileInterval(Float64Array.of(Number.NaN, 3), 0.95)).toEqual([3, 3]);
    expect(percentileInterval(Float64Array.of(Number.NaN), 0.95)).toBeNull();
  });

  it('agree with the normal ones of a mean where there are many queries', () => {
    const random = createRandom(3);
    const aps = Array.from({ length: 2000 }, () => random.uniform());
    const part = scores(
      aps,
      aps.map(() => 1),
    );
    const { methods } = estimatePart([{ method: 'masln', i2t: part, t2i: part }], {
      ...options,
      resamples: 1000,
    });
    const [ours] = methods.map(methodFigures);
    const { value, low, high } = ours?.i2t['map@all'] ?? { value: 0, low: 0, high: 0 };
    const error = Math.sqrt(1 / 12 / 2000);
    expect(value).toBeCloseTo(mean(aps) ?? 0, 12);
    expect((high ?? 0) - (value ?? 0)).toBeCloseTo(1.96 * error, 2.5);
    expect((value ?? 0) - (low ?? 0)).toBeCloseTo(1.96 * error, 2.5);
    // Every query finds its counterpart first, so the interval has no width.
    expect(ours?.avg['recall@1']).toEqual({ value: 1, low: 1, high: 1 });
  });

  it('do not exist for chance, nor where nothing was counted', () => {
    const part = scores([0.2, 0.4], [null, null]);
    const { methods } = estimatePart([{ method: 'masln', i2t: part, t2i: part }], options);
    const [ours, chance] = methods.map(methodFigures);
    expect(ours?.avg.median_rank).toEqual({ value: null, low: null, high: null });
    expect(chance).toMatchObject({ method: 'chance', i2t: { 'map@all': { low: null, high: null } } });
    expect(chance?.i2t['map@all'].value).toBeGreaterThan(0);
  });
});

describe('figures of several sets', () => {
  const part = (aps: readonly number[], other: readonly number[], name: 'seen' | 'unseen') =>
    estimatePart(
      [
        { method: 'masln', i2t: scores(aps, [1, 2]), t2i: scores(aps, [1, 2]) },
        { method: 'cca', i2t: scores(other, [2, 2]), t2i: scores(other, [4, 4]) },
      ],
      { ...options, part: name },
    );
  const seen = part([0.6, 1], [0.4, 0.6], 'seen');
  const unseen = part([0.2, 0.2], [0, 0], 'unseen');

  it('have a harmonic mean, which is high only where both are', () => {
    const [ours, cca, chance] = harmonicMeans(seen, unseen).map(methodFigures);
    expect(ours?.avg['map@all'].value).toBeCloseTo((2 * 0.8 * 0.2) / 1, 12);
    // In a quarter of the draws both parts have the better query only, in a quarter the worse only.
    expect(ours?.avg['map@all'].low).toBeCloseTo((2 * 0.6 * 0.2) / 0.8, 12);
    expect(ours?.avg['map@all'].high).toBeCloseTo((2 * 1 * 0.2) / 1.2, 12);
    expect(cca?.avg['map@all']).toEqual({ value: 0, low: 0, high: 0 });
    expect(ours?.avg.median_rank.value).toBeNull();
    expect(chance?.method).toBe('chance');
  });

  it('are averaged for each figure and each draw', () => {
    const [ours, cca] = meanOfParts([seen.methods, unseen.methods]).map(methodFigures);
    expect(ours?.avg['map@all'].value).toBeCloseTo(0.5, 12);
    expect(ours?.avg['map@all'].low).toBeCloseTo(0.4, 12);
    expect(ours?.avg['map@all'].high).toBeCloseTo(0.6, 12);
    expect(cca?.avg.median_rank.value).toBe(3);
    expect(meanOfParts([seen.methods, unseen.methods.slice(1)]).map(({ method }) => method)).toEqual([
      'cca',
      'chance',
    ]);
  });

  it('count rows that several splits measure once: independent draws would be too narrow', () => {
    const random = createRandom(9);
    const aps = Array.from({ length: 600 }, () => random.uniform());
    const split = (rows: readonly number[], drawing: { seed: number; population: number | null }) => {
      const of = scores(
        rows.map((row) => aps[row] ?? 0),
        rows.map(() => 1),
        rows,
      );
      const methods = [{ method: 'masln', i2t: of, t2i: of }] as const;
      return estimatePart(methods, { resamples: 1000, part: 'unseen', ...drawing }).methods;
    };
    const width = (parts: Parameters<typeof meanOfParts>[0]) => {
      const { low, high } = meanOfParts(parts).map(methodFigures)[0]?.i2t['map@all'] ?? {};
      return (high ?? 0) - (low ?? 0);
    };
    const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
    const shared = { seed: 0, population: 600 };
    const own = (seed: number) => ({ seed, population: null });
    // Three splits that measure the same 300 rows know no more than one of them.
    const rows = range(0, 300);
    const alone = width([split(rows, shared)]);
    const together = width([1, 2, 3].map(() => split(rows, shared)));
    const naive = width([1, 2, 3].map((seed) => split(rows, own(seed))));
    expect(together).toBeCloseTo(alone, 12);
    expect(alone / width([split(rows, own(0))])).toBeCloseTo(1, 0);
    expect(naive / alone).toBeGreaterThan(0.5);
    expect(naive / alone).toBeLessThan(0.66);
    // Two halves without a common row know as much as all rows: here independent draws are right too.
    const halves = [range(0, 300), range(300, 600)] as const;
    const expected = 2 * 1.96 * Math.sqrt(1 / 12 / 600);
    expect(width(halves.map((half) => split(half, shared))) / expected).toBeGreaterThan(0.92);
    expect(width(halves.map((half) => split(half, shared))) / expected).toBeLessThan(1.08);
    // With half of the rows in common, the interval is that of a mean in which these rows count twice.
    const overlapping = [range(0, 450), range(150, 600)];
    const sd = Math.sqrt(1 / 12);
    const exact = 2 * 1.96 * sd * Math.sqrt((300 * 1 + 300 * 4) / 900 ** 2);
    expect(width(overlapping.map((half) => split(half, shared))) / exact).toBeGreaterThan(0.92);
    expect(width(overlapping.map((half) => split(half, shared))) / exact).toBeLessThan(1.08);
    expect(width(overlapping.map((half, seed) => split(half, own(seed + 1)))) / exact).toBeLessThan(0.9);
  });

  it('have the interval of the differences of each draw', () => {
    const [ours, cca, chance] = seen.methods;
    if (!ours || !cca || !chance) throw new Error('missing');
    const gain = differenceEstimate(ours, cca, 'map@all');
    expect(gain.value).toBeCloseTo(0.3, 12);
    // The same query is the better one of both methods: .6 − .4, 1 − .6.
    expect(gain.low).toBeCloseTo(0.2, 12);
    expect(gain.high).toBeCloseTo(0.4, 12);
    expect(differenceEstimate(ours, chance, 'map@all')).toMatchObject({ low: null, high: null });
  });
});
