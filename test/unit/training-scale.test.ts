import { beforeAll, describe, expect, it } from 'vitest';
import type { StoredRows } from '../../src/domain/matrix.js';
import { ccaStatistics } from '../../src/encoder/math/cca.js';
import { type Matrix, takeRows } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { statisticsOf } from '../../src/encoder/training/cca-statistics.js';
import { fitNormalisation, normalise } from '../../src/encoder/training/fit-normalisation.js';
import { drawRows } from '../../src/encoder/training/further-texts.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { atMost, EPOCH_PAIRS, MANY_PAIRS, sampledRows, sampleOf } from '../../src/encoder/training/scale.js';
import { textMoments } from '../../src/encoder/training/text-moments.js';
import { splitPairs } from '../../src/encoder/training/training-data.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';

beforeAll(async () => {
  await loadTensorBackend();
});

const MANY = MANY_PAIRS + 1_500;
const OPTIONS = resolveTrainOptions({ shortTexts: 1, titleTexts: 0.5 });

function matrix(rows: number, columns: number, seed: number): Matrix {
  return { data: normals(rows * columns, 1, createRandom(seed)), rows, columns };
}

/** Rows that are read by position, as those of a file are. */
function stored(rows: Matrix): StoredRows {
  return { rows: rows.rows, columns: rows.columns, read: (indices) => takeRows(rows, indices) };
}

function close(actual: ArrayLike<number>, expected: ArrayLike<number>, by: number): void {
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i += 1)
    expect(Math.abs((actual[i] ?? Number.NaN) - (expected[i] ?? 0))).toBeLessThan(by);
}

describe('the pairs of an epoch', () => {
  const drawn = (pairs: number, member: number, epoch: number) =>
    drawRows(pairs, null, OPTIONS, member, epoch).pairs;

  it('are all pairs, up to a size', () => {
    expect(drawn(MANY_PAIRS, 0, 1)).toEqual(Int32Array.from({ length: MANY_PAIRS }, (_, i) => i));
  });

  it('go through all pairs before one is repeated', () => {
    const pairs = 3 * EPOCH_PAIRS + 7;
    const seen = new Set([1, 2, 3].flatMap((epoch) => [...drawn(pairs, 0, epoch)]));
    expect(seen.size).toBe(3 * EPOCH_PAIRS);
    expect(Math.max(...seen)).toBeLessThan(pairs);
    expect(drawn(pairs, 0, 4)).toHaveLength(EPOCH_PAIRS);
    expect(drawn(pairs, 0, 4)).not.toEqual(drawn(pairs, 0, 1));
  });

  it('depend on the network and the epoch alone', () => {
    const pairs = 2 * EPOCH_PAIRS;
    expect(drawn(pairs, 1, 2)).toEqual(drawn(pairs, 1, 2));
    expect(drawn(pairs, 1, 2)).not.toEqual(drawn(pairs, 0, 2));
  });
});

describe('samples', () => {
  it('are all rows up to a size, and spread over all rows above it', () => {
    expect(sampledRows(10, 4)).toHaveLength(10);
    const rows = sampledRows(MANY, 4);
    expect([...rows]).toEqual([0, 5375, 10750, 16125]);
    expect([...atMost(Int32Array.of(3, 5, 7, 9), 2)]).toEqual([3, 7]);
  });

  it('leave rows in memory as they are', () => {
    const few = matrix(20, 3, 1);
    expect(sampleOf(few, 5)).toBe(few);
    expect(sampleOf(stored(few), 5)).toEqual(few);
  });

  it('hold out at most 2,000 pairs', () => {
    const groups = Int32Array.from({ length: MANY }, (_, i) => i);
    expect(splitPairs(groups, 0.1, 0).validation).toHaveLength(2000);
    expect(splitPairs(groups.subarray(0, 15_000), 0.1, 0).validation).toHaveLength(1500);
  });
});

describe('fits on many pairs', () => {
  const [image, text] = [matrix(MANY, 5, 2), matrix(MANY, 4, 3)];
  for (let i = 0; i < MANY; i += 1)
    text.data[i * 4] = (image.data[i * 5] as number) + 0.5 * (text.data[i * 4] as number);

  it('give the covariances of all rows', () => {
    const exact = ccaStatistics(image, text);
    const many = statisticsOf({ image: stored(image), text: stored(text), further: null }, OPTIONS);
    close(many.cross.data, exact.cross.data, 1e-5);
    close(many.image.values, exact.image.values, 1e-5);
    close(many.text.values, exact.text.values, 1e-5);
  });

  it('count further texts with their weights', () => {
    const lists = (every: number) =>
      Array.from({ length: MANY }, (_, i) => (i % every === 0 ? [(i / every) % 50] : []));
    const further = { text: matrix(50, 4, 4), short: lists(3), titles: lists(7) };
    const { means, scaled } = textMoments(text, further, OPTIONS);
    const many = statisticsOf({ image, text, further }, OPTIONS);
    close(many.cross.data, ccaStatistics(image, means).cross.data, 1e-5);
    close(many.text.values, ccaStatistics(scaled, scaled).text.values, 1e-5);
  });

  it('normalise rows in blocks as they would be normalised together', () => {
    const normalisation = fitNormalisation(stored(image), { clip: 4, components: 5, scaling: 1, seed: 0 });
    const few = takeRows(
      image,
      Int32Array.from({ length: 3000 }, (_, i) => MANY - 3000 + i),
    );
    const all = normalise(normalisation, stored(image));
    close(all.data.subarray((MANY - 3000) * 5), normalise(normalisation, few).data, 1e-5);
    const mean = all.data.reduce((sum, x) => sum + x, 0) / all.data.length;
    expect(Math.abs(mean)).toBeLessThan(0.02);
  });
});
