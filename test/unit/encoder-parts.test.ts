import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { readEncoderFile, writeEncoderFile } from '../../src/encoder/inference/encoder-file.js';
import { createNormaliser } from '../../src/encoder/inference/normalise.js';
import { ccaStatistics, solveCca } from '../../src/encoder/math/cca.js';
import { covariance, multiply, symmetricEigen, transpose } from '../../src/encoder/math/linear-algebra.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import {
  createRandom,
  dropoutMask,
  normals,
  randomFromState,
  shuffle,
} from '../../src/encoder/math/random.js';
import { oneCycle } from '../../src/encoder/network/optimiser.js';
import { fitNormalisation, normalise } from '../../src/encoder/training/fit-normalisation.js';
import { principalComponents } from '../../src/encoder/training/pca.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';

beforeAll(async () => {
  await loadTensorBackend();
});

/** Rows whose columns have deviations 3, 3·r, 3·r² … along random orthogonal-ish directions. */
function rowsWithDecay(rows: number, columns: number, rank: number, ratio: number, seed: number): Matrix {
  const random = createRandom(seed);
  const scores = normals(rows * rank, 1, random);
  const directions = normals(rank * columns, 1 / Math.sqrt(columns), random);
  const data = new Float32Array(rows * columns);
  for (let i = 0; i < rows; i += 1) {
    for (let r = 0; r < rank; r += 1) {
      const score = (scores[i * rank + r] ?? 0) * 3 * ratio ** r;
      for (let j = 0; j < columns; j += 1)
        data[i * columns + j] = (data[i * columns + j] ?? 0) + score * (directions[r * columns + j] ?? 0);
    }
  }
  for (let j = 0; j < columns; j += 1) {
    let mean = 0;
    for (let i = 0; i < rows; i += 1) mean += (data[i * columns + j] ?? 0) / rows;
    for (let i = 0; i < rows; i += 1) data[i * columns + j] = (data[i * columns + j] ?? 0) - mean;
  }
  return { data, rows, columns };
}

describe('random', () => {
  it('gives the same numbers for the same seed and stream, others for others', () => {
    const take = (seed: number, stream: number) =>
      Array.from({ length: 4 }, createRandom(seed, stream).uint32);
    expect(take(7, 1)).toEqual(take(7, 1));
    expect(take(7, 1)).not.toEqual(take(8, 1));
    expect(take(7, 1)).not.toEqual(take(7, 2));
    // Pinned: the numbers behind every published figure.
    expect(take(0, 0)).toMatchInlineSnapshot(`
      [
        603452075,
        1972721857,
        3334112505,
        696888925,
      ]
    `);
  });

  it('goes on from its state', () => {
    const random = createRandom(3);
    random.normal();
    const twin = randomFromState(random.state());
    expect([random.uint32(), random.normal()]).toEqual([twin.uint32(), twin.normal()]);
  });

  it('draws what it says', () => {
    const random = createRandom(1);
    const mask = dropoutMask(20_000, 0.25, random);
    const dropped = mask.filter((x) => x === 0).length / mask.length;
    expect(dropped).toBeGreaterThan(0.23);
    expect(dropped).toBeLessThan(0.27);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    const z = normals(20_000, 2, random);
    const mean = z.reduce((a, b) => a + b, 0) / z.length;
    const variance = z.reduce((a, b) => a + (b - mean) ** 2, 0) / z.length;
    expect(Math.abs(mean)).toBeLessThan(0.06);
    expect(Math.abs(variance - 4)).toBeLessThan(0.2);
    expect(
      [
        ...shuffle(
          Int32Array.from({ length: 50 }, (_, i) => i),
          random,
        ),
      ].sort((a, b) => a - b),
    ).toEqual(Array.from({ length: 50 }, (_, i) => i));
  });
});

describe('principal components', () => {
  it('finds by iteration what the covariance gives exactly', () => {
    const rows = rowsWithDecay(300, 200, 60, 0.93, 4);
    const { basis, variances } = principalComponents(rows, 20, 0);
    const exact = symmetricEigen(covariance(rows, rows));
    for (let j = 0; j < 20; j += 1) {
      expect((variances[j] ?? 0) / (exact.values[j] ?? 1)).toBeCloseTo(1, 3);
      let along = 0;
      for (let i = 0; i < 200; i += 1)
        along += (basis.data[i * 20 + j] ?? 0) * (exact.vectors.data[j * 200 + i] ?? 0);
      expect(Math.abs(along)).toBeCloseTo(1, 2);
    }
  });

  it('is orthonormal and the same for the same seed', () => {
    const rows = rowsWithDecay(250, 300, 100, 0.95, 5);
    const { basis } = principalComponents(rows, 40, 3);
    const columns = { data: Float64Array.from(basis.data), rows: 300, columns: 40 };
    const gram = multiply(transpose(columns), columns);
    gram.data.forEach((x, i) => {
      expect(x).toBeCloseTo(i % 41 === 0 ? 1 : 0, 4);
    });
    expect(principalComponents(rows, 40, 3).basis.data).toEqual(basis.data);
  });

  it('gives fewer where there are fewer', () => {
    expect(principalComponents(rowsWithDecay(10, 400, 5, 1, 1), 64, 0).basis.columns).toBe(10);
    expect(principalComponents(rowsWithDecay(100, 6, 5, 1, 1), 64, 0).basis.columns).toBe(6);
  });
});

describe('normalisation', () => {
  const options = { clip: 2, components: 3, scaling: 1, seed: 0 };

  it('centres, scales, clips and projects, as worked out by hand', () => {
    // One column: mean 4, deviation √26; the last z-score, 1.96, is cut to 1.5, and the mean taken out again.
    const features = { data: Float32Array.of(0, 1, 2, 3, 14), rows: 5, columns: 1 };
    const normalisation = fitNormalisation(features, { ...options, clip: 1.5 });
    const cut = [-4, -3, -2, -1].map((x) => x / Math.sqrt(26)).concat(1.5);
    const z = cut.map((x) => x - cut.reduce((sum, y) => sum + y, 0) / 5);
    const deviation = Math.sqrt(z.reduce((sum, x) => sum + x * x, 0) / 5);
    const out = normalise(normalisation, features).data;
    const sign = Math.sign(out[4] ?? 0);
    z.forEach((x, i) => {
      expect(sign * (out[i] ?? 0)).toBeCloseTo(x / deviation, 5);
    });
  });

  it('ignores a column that never varies, whatever comes later', () => {
    const features = { data: Float32Array.from([3, 1, 3, 2, 3, 4, 3, 9]), rows: 4, columns: 2 };
    const project = createNormaliser(fitNormalisation(features, options));
    expect(project(Float32Array.of(3, 4))).toEqual(project(Float32Array.of(-1000, 4)));
  });

  it('projects a sparse feature as it does a dense one', () => {
    const features = rowsWithDecay(40, 12, 8, 0.9, 2);
    for (let i = 0; i < features.data.length; i += 1) {
      if (i % 3 !== 0) features.data[i] = 0;
    }
    const normalisation = fitNormalisation(features, options);
    const tiny = Float32Array.from(features.data.subarray(0, 12), (x) => (x === 0 ? 1e-30 : x));
    const [sparse, dense] = [features.data.subarray(0, 12), tiny].map(createNormaliser(normalisation));
    sparse?.forEach((x, i) => {
      expect(x).toBeCloseTo(dense?.[i] ?? Number.NaN, 5);
    });
  });
});

describe('canonical correlations', () => {
  it('finds the one direction two sets share, and its correlation', () => {
    const random = createRandom(9);
    const n = 4000;
    const noise = 0.5;
    const image = new Float32Array(n * 3);
    const text = new Float32Array(n * 2);
    for (let i = 0; i < n; i += 1) {
      const shared = random.normal();
      image.set([random.normal(), 4 * (shared + noise * random.normal()), random.normal()], i * 3);
      text.set([random.normal(), -2 * (shared + noise * random.normal())], i * 2);
    }
    const cca = solveCca(
      ccaStatistics({ data: image, rows: n, columns: 3 }, { data: text, rows: n, columns: 2 }),
      0,
    );
    expect(cca.correlations[0]).toBeCloseTo(1 / (1 + noise ** 2), 1);
    expect(cca.correlations[1]).toBeLessThan(0.1);
    const k = cca.image.columns;
    const [a, b, c] = [0, 1, 2].map((i) => Math.abs(cca.image.data[i * k] ?? 0)) as [number, number, number];
    expect(b * 4).toBeGreaterThan(10 * Math.max(a, c));
    // One variate moves with the other, not against it.
    expect((cca.image.data[k] ?? 0) * (cca.text.data[cca.text.columns] ?? 0)).toBeLessThan(0);
  });
});

describe('one cycle', () => {
  it('climbs to its peak and falls to nearly nothing, the momentum the other way', () => {
    const steps = Array.from({ length: 100 }, (_, i) => oneCycle(i, 100, 1));
    const rates = steps.map((s) => s.learningRate);
    expect(rates[0]).toBeCloseTo(1 / 25, 6);
    expect(rates.indexOf(Math.max(...rates))).toBe(29);
    expect(Math.max(...rates)).toBeCloseTo(1, 6);
    expect(rates[99]).toBeLessThan(1e-4);
    expect(steps[29]?.momentum).toBeCloseTo(0.85, 6);
    expect(steps[99]?.momentum).toBeCloseTo(0.95, 6);
  });
});

describe('gather', () => {
  const matrix = gather([Float32Array.of(1, 2), Float32Array.of(3, 4)]);

  it('copies vectors into rows', () => {
    expect(matrix).toEqual({ data: Float32Array.of(1, 2, 3, 4), rows: 2, columns: 2 });
    expect(rowOf(matrix, 1)).toEqual(Float32Array.of(3, 4));
    expect(gather([], 5)).toEqual({ data: new Float32Array(0), rows: 0, columns: 5 });
  });

  it.each([
    ['of another length', Float32Array.of(1), 'vector 1 has 1 numbers where 2 are expected'],
    ['that is missing', undefined, 'vector 1 has no numbers where 2 are expected'],
  ])('refuses a vector %s', (_, vector, why) => {
    expect(() => gather([Float32Array.of(1, 2), vector])).toThrow(
      expect.objectContaining({ code: 'EXTRACTOR_FAILED', message: expect.stringContaining(why) }),
    );
  });
});

describe('encoder file', () => {
  const arrays = new Map([
    ['a', Float32Array.of(1.5, -2, 1e-20)],
    ['empty', new Float32Array(0)],
  ]);
  const bytes = writeEncoderFile({ kind: 'test', description: { x: 1 }, arrays });

  it('comes back as it went', () => {
    expect(readEncoderFile(bytes, 'test')).toEqual({ kind: 'test', description: { x: 1 }, arrays });
  });

  it.each([
    ['nothing', new Uint8Array(0), 'are no stored test'],
    ['another file', new Uint8Array(64).fill(7), 'are no stored test'],
    ['one cut short', bytes.slice(0, -1), 'bytes of numbers'],
    ['one cut in its header', bytes.slice(0, 40), 'cut short'],
    ['one with a flipped bit', bytes.map((b, i) => (i === bytes.length - 2 ? b ^ 1 : b)), 'checksum'],
  ])('refuses %s', (_, broken, why) => {
    expect(() => readEncoderFile(broken, 'test')).toThrow(
      expect.objectContaining({ code: 'BAD_MODEL', message: expect.stringContaining(why) }),
    );
  });

  it('refuses another kind', () => {
    expect(() => readEncoderFile(bytes, 'encoder')).toThrow(/holds a test/);
  });
});

it('runs transposed products on the backend to the same numbers as plain ones', async () => {
  const { tf: lib } = await loadTensorBackend();
  const random = createRandom(2);
  const a = tf.tensor3d(normals(2 * 5 * 3, 1, random), [2, 5, 3]);
  const b = tf.tensor3d(normals(2 * 4 * 5, 1, random), [2, 4, 5]);
  const before = lib.memory().numDataBuffers;
  const product = lib.matMul(a, b, true, true);
  expect(product.shape).toEqual([2, 3, 4]);
  const [x, y, z] = [a, b, product].map((t) => t.dataSync()) as [Float32Array, Float32Array, Float32Array];
  for (let n = 0; n < 2; n += 1) {
    for (let i = 0; i < 3; i += 1) {
      for (let j = 0; j < 4; j += 1) {
        let sum = 0;
        for (let k = 0; k < 5; k += 1) sum += (x[n * 15 + k * 3 + i] ?? 0) * (y[n * 20 + j * 5 + k] ?? 0);
        expect(z[n * 12 + i * 4 + j]).toBeCloseTo(sum, 5);
      }
    }
  }
  product.dispose();
  expect(lib.memory().numDataBuffers).toBe(before);
  tf.dispose([a, b]);
});
