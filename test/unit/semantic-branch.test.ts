import { beforeAll, describe, expect, it } from 'vitest';
import { type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { statisticsOf } from '../../src/encoder/training/cca-statistics.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { fitSemantic } from '../../src/encoder/training/semantic-branch.js';
import type { PreparedPairs } from '../../src/encoder/training/training-data.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';

const options = resolveTrainOptions();
const random = createRandom(5, 1);
const matrix = (rows: number, columns: number): Matrix => ({
  data: normals(rows * columns, 1, random),
  rows,
  columns,
});

/** Columns of mean 0, as principal components are. */
function centred({ data, rows, columns }: Matrix): Matrix {
  const out = data.slice();
  for (let j = 0; j < columns; j += 1) {
    let sum = 0;
    for (let i = 0; i < rows; i += 1) sum += out[i * columns + j] as number;
    for (let i = 0; i < rows; i += 1) out[i * columns + j] = (out[i * columns + j] as number) - sum / rows;
  }
  return { data: out, rows, columns };
}

describe('the semantic branch', () => {
  const [count, classes] = [60, 4];
  const pairs: PreparedPairs = {
    image: centred(matrix(count, 5)),
    text: centred(matrix(count, 3)),
    labels: Int32Array.from({ length: count }, (_, i) => (i % (classes + 1)) - 1),
    groups: Int32Array.from({ length: count }, (_, i) => i),
    further: null,
  };
  const embeddings = matrix(classes + 1, 2);
  beforeAll(async () => {
    await loadTensorBackend();
  });

  it('solves the normal equations of a ridge regression to unit class embeddings', () => {
    const layers = fitSemantic(pairs, embeddings, statisticsOf(pairs, options), options);
    for (const [layer, x] of [
      [layers.IMAGE, pairs.image as Matrix],
      [layers.TEXT, pairs.text as Matrix],
    ] as const) {
      const p = x.columns;
      const at = (i: number, j: number) => x.data[i * p + j] as number;
      let variance = 0;
      for (const value of x.data) variance += value ** 2 / count / p;
      for (let j = 0; j < p; j += 1) {
        for (let k = 0; k < 2; k += 1) {
          let [left, right] = [3 * variance * (layer.weights.data[j * 2 + k] as number), 0];
          for (let i = 0; i < count; i += 1) {
            let predicted = 0;
            for (let l = 0; l < p; l += 1) predicted += at(i, l) * (layer.weights.data[l * 2 + k] as number);
            left += (at(i, j) * predicted) / count;
            const label = pairs.labels[i] as number;
            if (label < 0) continue;
            const target = rowOf(embeddings, label);
            right += (at(i, j) * (target[k] as number)) / Math.hypot(...target) / count;
          }
          expect(left).toBeCloseTo(right, 5);
        }
      }
      expect([...layer.bias]).toEqual([0, 0]);
    }
  });

  it('counts further texts of a pair with their weights', () => {
    // The further text of each pair is its caption again, so nothing changes.
    const rows = Array.from({ length: count }, (_, i) => [i]);
    const further = { text: pairs.text as Matrix, short: rows, titles: rows.map(() => []) };
    const [plain, twice] = [pairs, { ...pairs, further }].map((of) =>
      fitSemantic(of, embeddings, statisticsOf(of, options), options),
    );
    twice?.TEXT.weights.data.forEach((x, i) => {
      expect(x).toBeCloseTo(plain?.TEXT.weights.data[i] as number, 5);
    });
  });
});
