import { describe, expect, it } from 'vitest';
import type { Matrix } from '../../src/domain/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { adviceOf } from '../../src/evaluation/drift/advice.js';
import { energyDistance, stabilityIndex } from '../../src/evaluation/drift/distances.js';
import type { QueryDrift } from '../../src/evaluation/drift/measure-drift.js';

const random = createRandom(7);
const normals = (n: number, mean = 0) => Array.from({ length: n }, () => mean + random.normal());

function matrix(rows: readonly (readonly number[])[]): Matrix {
  return { data: Float32Array.from(rows.flat()), rows: rows.length, columns: rows[0]?.length ?? 0 };
}
const cloud = (n: number, mean: number) => matrix(Array.from({ length: n }, () => normals(4, mean)));

describe('the population stability index', () => {
  it('is Σ (p − q)·ln(p/q) over tenths of the reference, less what chance adds', () => {
    const reference = Array.from({ length: 100 }, (_, i) => i);
    // All 100 in the last bin: (100.5/105 − .1)·ln(…) + 9·(.5/105 − .1)·ln(…), with q = 10.5/105 = .1.
    const [last, other] = [100.5 / 105, 0.5 / 105];
    const raw = (last - 0.1) * Math.log(last / 0.1) + 9 * (other - 0.1) * Math.log(other / 0.1);
    const sample = new Array<number>(100).fill(95);
    expect(stabilityIndex(sample, reference)).toBeCloseTo(raw - 9 * 0.02, 10);
    expect(stabilityIndex(reference, reference)).toBe(0);
  });

  it('is small for samples of one distribution, on average near 0, and large for a shift', () => {
    const same = Array.from({ length: 50 }, () => stabilityIndex(normals(100), normals(200)));
    expect(same.reduce((sum, value) => sum + value, 0) / 50).toBeLessThan(0.05);
    expect(Math.max(...same)).toBeLessThan(0.25);
    expect(stabilityIndex(normals(100, 0.8), normals(200))).toBeGreaterThan(0.25);
  });

  it('is 0 where the reference has one value and the sample the same', () => {
    expect(stabilityIndex(new Array<number>(100).fill(1), new Array<number>(200).fill(1))).toBe(0);
  });
});

describe('the energy distance', () => {
  it('is (2·E‖X−Y‖ − E‖X−X′‖ − E‖Y−Y′‖) / 2·E‖X−Y‖', () => {
    // Distances between: 3, 5, 1, 3: mean 3. Within: 2 and 2.
    expect(energyDistance(matrix([[0], [2]]), matrix([[3], [5]]))).toBeCloseTo((6 - 2 - 2) / 6, 10);
    expect(energyDistance(matrix([[1], [1]]), matrix([[1], [1]]))).toBe(0);
  });

  it('is near 0 for samples of one distribution, and grows with the shift', () => {
    const same = energyDistance(cloud(300, 0), cloud(300, 0));
    const near = energyDistance(cloud(300, 0.5), cloud(300, 0));
    const far = energyDistance(cloud(300, 3), cloud(300, 0));
    expect(same).toBeLessThan(0.01);
    expect(near).toBeGreaterThan(same + 0.02);
    expect(far).toBeGreaterThan(0.4);
    expect(far).toBeLessThan(1);
  });
});

describe('the advice', () => {
  const stable: QueryDrift = {
    query: 'TEXT',
    target: 'IMAGE',
    samples: 100,
    references: 200,
    similarity: 0.6,
    referenceSimilarity: 0.62,
    stabilityIndex: 0.05,
    energyDistance: 0.4,
    belowThreshold: 0.1,
    referenceBelowThreshold: 0.08,
  };
  const of = (change: Partial<QueryDrift>, newItems: number | null = 0) =>
    adviceOf([{ ...stable, ...change }], newItems);

  it('needs queries', () => {
    expect(adviceOf([], 0)).toEqual({ advice: 'UNKNOWN', reasons: [] });
    expect(adviceOf([], null)).toEqual({ advice: 'UNKNOWN', reasons: [] });
  });

  it('is not to train where nothing has become worse', () => {
    expect(of({})).toEqual({ advice: 'STABLE', reasons: [] });
    // Better hits, and other texts that find as much.
    expect(of({ stabilityIndex: 2, similarity: 0.9 }).advice).toBe('STABLE');
    expect(of({ belowThreshold: null, referenceBelowThreshold: null }).advice).toBe('STABLE');
  });

  it('names what has shifted', () => {
    expect(of({ stabilityIndex: 0.15, similarity: 0.5 }).advice).toBe('WATCH');
    expect(of({ stabilityIndex: 0.4, similarity: 0.3 })).toEqual({
      advice: 'TRAIN_AGAIN',
      reasons: [
        'Queries by TEXT for IMAGE find less similar items than the training set does: 0.30 against 0.62 on average, with a population stability index of 0.40.',
      ],
    });
    expect(of({ belowThreshold: 0.2 }).advice).toBe('WATCH');
    expect(of({ belowThreshold: 0.5 })).toEqual({
      advice: 'TRAIN_AGAIN',
      reasons: [
        'Queries by TEXT for IMAGE find nothing above the calibrated threshold in 50 % of cases, the training set in 8 %.',
      ],
    });
    expect(of({}, 0.3)).toEqual({
      advice: 'WATCH',
      reasons: ['30 % of the items were stored after the training.'],
    });
    expect(adviceOf([], 0.6).advice).toBe('TRAIN_AGAIN');
  });
});
