import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createNormaliser } from '../../src/encoder/inference/normalise.js';
import { covariance, multiply, symmetricEigen, transpose } from '../../src/encoder/math/linear-algebra.js';
import type { Matrix } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { oneCycle } from '../../src/encoder/network/optimiser.js';
import { fitNormalisation, normalise } from '../../src/encoder/training/fit-normalisation.js';
import { principalComponents } from '../../src/encoder/training/pca.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';

beforeAll(async () => {
  await loadTensorBackend();
});

/** Rows with standard deviations 3, 3·r, 3·r² … along random, nearly orthogonal directions. */
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

describe('principal components', () => {
  it('finds by iteration the directions that an exact decomposition gives', () => {
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

  it('are orthonormal, and the same for the same seed', () => {
    const rows = rowsWithDecay(250, 300, 100, 0.95, 5);
    const { basis } = principalComponents(rows, 40, 3);
    const columns = { data: Float64Array.from(basis.data), rows: 300, columns: 40 };
    const gram = multiply(transpose(columns), columns);
    gram.data.forEach((x, i) => {
      expect(x).toBeCloseTo(i % 41 === 0 ? 1 : 0, 4);
    });
    expect(principalComponents(rows, 40, 3).basis.data).toEqual(basis.data);
  });

  it('are at most as many as there are rows and columns', () => {
    expect(principalComponents(rowsWithDecay(10, 400, 5, 1, 1), 64, 0).basis.columns).toBe(10);
    expect(principalComponents(rowsWithDecay(100, 6, 5, 1, 1), 64, 0).basis.columns).toBe(6);
  });
});

describe('normalisation', () => {
  const options = { clip: 2, components: 3, scaling: 1, seed: 0 };

  it('centres, scales and clips, with the values computed by hand', () => {
    // One column: mean 4, deviation √26. The last z-score, 1.96, is clipped to 1.5, and the new mean is subtracted.
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

  it('ignores a column that never varies', () => {
    const features = { data: Float32Array.from([3, 1, 3, 2, 3, 4, 3, 9]), rows: 4, columns: 2 };
    const normaliser = createNormaliser(fitNormalisation(features, options));
    expect(normaliser(Float32Array.of(3, 4))).toEqual(normaliser(Float32Array.of(-1000, 4)));
  });

  it('gives the same components for a sparse and a dense feature', () => {
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

describe('one cycle', () => {
  it('rises to its peak and falls to near 0, with the momentum in the opposite direction', () => {
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

it('gives the same transposed products on the tensor backend as plain arithmetic', async () => {
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
