import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import type { Modality } from '../../src/domain/modality.js';
import { embeddingWidth, embedOutputs } from '../../src/encoder/inference/embed.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { collectBranches } from '../../src/encoder/training/build-encoder.js';
import { combineParts, outputsOf } from '../../src/encoder/training/combine-parts.js';
import { mixtureFigures } from '../../src/encoder/training/mixture-figures.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { trainOnRows } from '../../src/encoder/training/train-on-rows.js';
import { holdOut, prepareSource, splitPairs } from '../../src/encoder/training/training-data.js';
import { normSettings, shareSettings } from '../../src/encoder/training/tune-candidates.js';
import { figureOfSimilarities, validationFigure } from '../../src/encoder/training/validation-figure.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

beforeAll(async () => {
  await loadTensorBackend();
});

it('gives each mixture the figure that its embeddings have', async () => {
  const source = syntheticSource(200, 5, 7);
  const options = resolveTrainOptions({ ...SMALL_TRAINING, epochs: 3, members: 2, ccaDimension: 6 });
  const prepared = prepareSource(source, options);
  const { training, validation } = holdOut(prepared, splitPairs(prepared.pairs.groups, 0.3, 0));
  if (validation === null) throw new Error('nothing is held out');
  const networks = [];
  for (const member of [0, 1])
    networks.push(await trainOnRows(prepared, training, options, member, async () => {}));
  const branches = collectBranches({ ...prepared, pairs: training }, networks, options);
  const cca = { k: 6, regularisation: 1, power: 1, length: 1 };
  const candidates = normSettings(options, cca).flatMap((norms) =>
    shareSettings(options).map((shares) => ({ ...options, ...norms, ...shares })),
  );
  expect(candidates.length).toBeGreaterThan(40);
  const [held, trained] = [outputsOf(branches, validation), outputsOf(branches, training)];
  const expected = candidates.map((candidate) => {
    const parameters = combineParts(branches, candidate, trained);
    const width = embeddingWidth(parameters);
    const side = (modality: Modality) => {
      const data = new Float32Array(held[modality].length * width);
      held[modality].forEach((outputs, i) => {
        data.set(embedOutputs(parameters, modality, outputs), i * width);
      });
      return {
        embeddings: { data, rows: held[modality].length, columns: width },
        classes: validation.labels,
        pairs: validation.groups,
      };
    };
    return evaluateRetrieval(side('IMAGE'), side('TEXT')).mean.map ?? 0;
  });
  const figures = mixtureFigures(branches, { training, validation }, candidates);
  for (const [i, figure] of figures.entries()) expect(figure).toBeCloseTo(expected[i] as number, 4);
  expect(new Set(figures.map((figure) => figure.toFixed(4))).size).toBeGreaterThan(20);
});

describe('the validation figure', () => {
  const [rows, columns] = [30, 4];
  const random = createRandom(3, 1);
  const unit = () => {
    const data = normals(rows * columns, 1, random);
    for (let i = 0; i < rows; i += 1) {
      const row = data.subarray(i * columns, (i + 1) * columns);
      const length = Math.hypot(...row);
      row.forEach((x, j) => {
        row[j] = x / length;
      });
    }
    return data;
  };
  const [image, text] = [unit(), unit()];
  const groups = Int32Array.from({ length: rows }, (_, i) => Math.floor(i / 2));
  const report = (labels: Int32Array) => {
    const side = (data: Float32Array) => ({
      embeddings: { data, rows, columns },
      classes: labels,
      pairs: groups,
    });
    return evaluateRetrieval(side(image), side(text)).mean;
  };

  it('is map@all over the pairs that have a class', () => {
    const labels = Int32Array.from({ length: rows }, (_, i) => (i % 5) - 1);
    expect(validationFigure({ labels, groups }, image, text, columns)).toBeCloseTo(
      report(labels).map ?? 0,
      9,
    );
  });

  it('is MRR@10 of the group where no pair has a class', () => {
    const labels = new Int32Array(rows).fill(-1);
    expect(validationFigure({ labels, groups }, image, text, columns)).toBeCloseTo(
      report(labels).mrrAt10 ?? 0,
      9,
    );
  });

  it('breaks ties by the number of the item', () => {
    const labels = Int32Array.from([0, 1, 0]);
    // All similarities are equal: the ranking is 0, 1, 2 for every query.
    const figure = figureOfSimilarities({ labels, groups: labels }, new Float32Array(9).fill(0.5));
    expect(figure).toBeCloseTo(((1 + 2 / 3) / 2 + 1 / 2 + (1 + 2 / 3) / 2) / 3, 9);
  });
});
