import { describe, expect, it } from 'vitest';
import { median } from '../../src/domain/metric-values.js';
import type { RetrievalSide } from '../../src/domain/metrics.js';
import { evaluateDirection, evaluateRetrieval } from '../../src/domain/metrics.js';
import { chanceAveragePrecision, chanceRecall } from '../../src/domain/metrics-chance.js';

/** Unit vectors at these angles in degrees: a query at 0° ranks a gallery by angle. */
function at(
  degrees: readonly number[],
  classes: readonly number[],
  pairs: readonly number[],
  ids?: readonly string[],
) {
  const data = Float32Array.from(
    degrees.flatMap((a) => [Math.cos((a * Math.PI) / 180), Math.sin((a * Math.PI) / 180)]),
  );
  return {
    embeddings: { data, rows: degrees.length, columns: 2 },
    classes: Int32Array.from(classes),
    pairs: Int32Array.from(pairs),
    ...(ids && { ids }),
  } satisfies RetrievalSide;
}

describe('a ranking computed by hand', () => {
  // Ranks 1 … 5 have the classes 7 8 7 8 7, and the counterpart is at rank 3.
  const query = at([0], [7], [100]);
  const gallery = at([50, 10, 30, 20, 40], [7, 7, 7, 8, 8], [1, 2, 100, 3, 4]);
  const { metrics, counts } = evaluateDirection(query, gallery);

  it('averages the precision at each relevant rank', () => {
    expect(metrics.map).toBeCloseTo((1 / 1 + 2 / 3 + 3 / 5) / 3, 12);
    expect(metrics.mapAt50).toBeCloseTo((1 / 1 + 2 / 3 + 3 / 5) / 3, 12);
  });

  it('divides precision@k by k, even beyond the gallery', () => {
    expect(metrics.precision).toEqual({ 1: 1, 5: 3 / 5, 10: 3 / 10 });
  });

  it('discounts by log2(rank + 1) against the ideal order', () => {
    const dcg = 1 + 1 / 2 + 1 / Math.log2(6);
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(metrics.ndcgAt10).toBeCloseTo(dcg / ideal, 12);
  });

  it('finds the counterpart at its rank', () => {
    expect(metrics.recall).toEqual({ 1: 0, 5: 1, 10: 1 });
    expect(metrics.mrrAt10).toBeCloseTo(1 / 3, 12);
    expect(metrics.medianRank).toBe(3);
    expect(counts).toEqual({ queries: 1, gallery: 5, withoutRelevant: 0, withoutCounterpart: 0 });
  });
});

it('cuts average precision at 50 with the denominator min(R, 50)', () => {
  // Of 60 items those at ranks 1 and 60 are relevant.
  const degrees = Array.from({ length: 60 }, (_, i) => i + 1);
  const classes = degrees.map((_, i) => (i === 0 || i === 59 ? 1 : 2));
  const { metrics } = evaluateDirection(at([0], [1], [-1]), at(degrees, classes, degrees));
  expect(metrics.map).toBeCloseTo((1 + 2 / 60) / 2, 12);
  expect(metrics.mapAt50).toBeCloseTo(1 / 2, 12);
});

it('breaks ties by id, independent of the order of the rows', () => {
  const query = at([0], [1], [5]);
  const tied = (ids: string[]) =>
    evaluateDirection(query, at([10, 10, 10], [1, 2, 2], [5, 6, 7], ids)).metrics.medianRank;
  expect(tied(['a', 'b', 'c'])).toBe(1);
  expect(tied(['b', 'a', 'c'])).toBe(2);
  expect(tied(['c', 'a', 'b'])).toBe(3);
});

it('counts a hit if any of several counterparts is among the first k', () => {
  const { metrics } = evaluateDirection(at([0], [-1], [9]), at([10, 20, 30, 40], [1, 1, 1, 1], [1, 9, 2, 9]));
  expect(metrics.recall[1]).toBe(0);
  expect(metrics.recall[5]).toBe(1);
  expect(metrics.medianRank).toBe(2);
});

it('skips queries without a relevant item, and counts them', () => {
  const queries = at([0, 0, 0], [1, 3, -1], [5, -1, 8]);
  const { metrics, counts } = evaluateDirection(queries, at([10, 20], [1, 2], [5, 6]));
  expect(metrics.map).toBe(1);
  expect(metrics.recall[1]).toBe(1);
  expect(counts).toEqual({ queries: 3, gallery: 2, withoutRelevant: 2, withoutCounterpart: 2 });
});

it('gives null, not 0, where no query counts', () => {
  const { metrics, chance } = evaluateDirection(at([0], [-1], [-1]), at([10], [1], [1]));
  for (const m of [metrics, chance]) {
    expect([m.map, m.ndcgAt10, m.precision[10], m.recall[10], m.mrrAt10, m.medianRank]).toEqual(
      Array(6).fill(null),
    );
  }
});

it('averages both directions', () => {
  const image = at([0, 90], [1, 2], [1, 2]);
  const text = at([80, 85], [1, 2], [1, 2]);
  const report = evaluateRetrieval(image, text);
  // Image 1 at 0° is nearest to text 1, image 2 at 90° to text 2; both texts are nearest to image 2.
  expect(report.imageToText.metrics.map).toBe(1);
  expect(report.textToImage.metrics.map).toBeCloseTo((1 / 2 + 1) / 2, 12);
  expect(report.mean.map).toBeCloseTo(7 / 8, 12);
});

it('refuses sides of different dimensions', () => {
  const one = {
    embeddings: { data: new Float32Array(3), rows: 1, columns: 3 },
    classes: new Int32Array(1),
    pairs: new Int32Array(1),
  };
  expect(() => evaluateDirection(one, at([1], [1], [1]))).toThrow(RangeError);
});

it('takes the mean of the middle two values of an even count', () => {
  expect(median([4, 1, 3, 10])).toBe(3.5);
});

describe('chance', () => {
  /** The mean over every order of a gallery of `n`, of which the first `hits` are relevant. */
  function overAllOrders(n: number, hits: number, score: (ranking: readonly boolean[]) => number): number {
    const scores: number[] = [];
    const walk = (left: readonly boolean[], order: readonly boolean[]) => {
      if (left.length === 0) scores.push(score(order));
      left.forEach((x, i) => {
        walk([...left.slice(0, i), ...left.slice(i + 1)], [...order, x]);
      });
    };
    walk(
      Array.from({ length: n }, (_, i) => i < hits),
      [],
    );
    return scores.reduce((a, b) => a + b, 0) / scores.length;
  }
  const averagePrecision = (cutOff: number) => (ranking: readonly boolean[]) => {
    let hits = 0;
    let sum = 0;
    ranking.forEach((hit, i) => {
      if (!hit) return;
      hits += 1;
      if (i < cutOff) sum += hits / (i + 1);
    });
    return sum / Math.min(hits, cutOff);
  };

  it.each([
    [6, 1],
    [6, 2],
    [6, 3],
    [6, 6],
  ])('of average precision is its mean over all orders: N = %i, R = %i', (n, relevant) => {
    expect(chanceAveragePrecision(n, relevant, n)).toBeCloseTo(
      overAllOrders(n, relevant, averagePrecision(n)),
      12,
    );
    expect(chanceAveragePrecision(n, relevant, 2)).toBeCloseTo(
      overAllOrders(n, relevant, averagePrecision(2)),
      12,
    );
  });

  it('of recall is its mean over all orders', () => {
    for (const k of [1, 3, 6]) {
      const among = (ranking: readonly boolean[]) => (ranking.slice(0, k).some(Boolean) ? 1 : 0);
      expect(chanceRecall(6, 2, k)).toBeCloseTo(overAllOrders(6, 2, among), 12);
    }
  });

  it('comes with every direction', () => {
    const { chance } = evaluateDirection(at([0], [1], [1]), at([1, 2, 3, 4], [1, 1, 2, 2], [1, 2, 3, 4]));
    expect(chance.recall[1]).toBeCloseTo(1 / 4, 12);
    expect(chance.precision[1]).toBeCloseTo(1 / 2, 12);
    expect(chance.mrrAt10).toBeCloseTo((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4, 12);
    expect(chance.medianRank).toBe(2.5);
    const ndcg = (ranking: readonly boolean[]) =>
      ranking.reduce((sum, hit, i) => sum + (hit ? 1 / Math.log2(i + 2) : 0), 0) / (1 + 1 / Math.log2(3));
    expect(chance.ndcgAt10).toBeCloseTo(overAllOrders(4, 2, ndcg), 12);
  });
});
