import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadParameters } from '../../src/encoder/inference/serialise.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { discriminatorAccuracy } from '../../src/encoder/network/losses.js';
import { createNetwork } from '../../src/encoder/network/network.js';
import { makeBatch, type SourceTensors } from '../../src/encoder/training/batch.js';
import { fitNormalisation } from '../../src/encoder/training/fit-normalisation.js';
import { captionRows } from '../../src/encoder/training/further-texts.js';
import { PRESETS, resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { computeGradients } from '../../src/encoder/training/train-step.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { LossWeights, TrainOptionsInput, TrainProgress } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { syntheticSource } from './encoder-source.js';

const TERMS = Object.keys(PRESETS.default.weights) as (keyof LossWeights)[];
const allOn = Object.fromEntries(TERMS.map((term) => [term, 0.5])) as unknown as LossWeights;
const only = (term: keyof LossWeights) =>
  Object.fromEntries(TERMS.map((name) => [name, name === term ? 0.5 : 0])) as unknown as LossWeights;

const SMALL: TrainOptionsInput = {
  dimension: 8,
  imageHidden: [12],
  textHidden: [10],
  batchSize: 40,
  epochs: 2,
  members: 1,
  ccaShare: 0,
  tune: 'none',
};

beforeAll(async () => {
  await loadTensorBackend();
});

/** One training step with these weights: the losses, the parameters and the number of kernels run. */
async function oneStep(weights: LossWeights) {
  const options = resolveTrainOptions({ ...SMALL, weights });
  const random = createRandom(2);
  const matrix = (rows: number, columns: number) => ({
    data: normals(rows * columns, 1, random),
    rows,
    columns,
  });
  const rows = { image: matrix(20, 6), text: matrix(20, 5), further: null };
  const source: SourceTensors = {
    rows,
    image: tf.tensor2d(rows.image.data, [20, 6]),
    text: tf.tensor2d(rows.text.data, [20, 5]),
    deviation: { IMAGE: tf.ones([6]), TEXT: tf.ones([5]) },
    labels: Int32Array.from({ length: 20 }, (_, i) => i % 4),
    groups: Int32Array.from({ length: 20 }, (_, i) => i),
    classes: 4,
    classEmbeddings: tf.tensor2d(normals(15, 1, random), [5, 3]),
  };
  const shape = { components: { IMAGE: 6, TEXT: 5 }, code: 8, classes: 4, classEmbedding: 3 };
  const network = createNetwork(shape, options, random, null);
  let losses: Readonly<Record<string, number>> = {};
  const { kernels } = await tf.profile(() =>
    tf.tidy(() => {
      ({ losses } = computeGradients(
        network,
        makeBatch(source, captionRows(Int32Array.from({ length: 20 }, (_, i) => i)), network, random),
        1,
      ));
    }),
  );
  const parameters = [...network.parameters.keys()];
  network.dispose();
  return { losses, parameters, kernels: kernels.length };
}

describe.each(TERMS)('without %s', (term) => {
  it('has neither the term, nor its parts, nor its cost', async () => {
    const [on, off] = [await oneStep(allOn), await oneStep({ ...allOn, [term]: 0 })];
    expect(Object.keys(on.losses).sort()).toEqual([...TERMS].sort());
    expect(Object.keys(off.losses).sort()).toEqual(TERMS.filter((name) => name !== term).sort());
    expect(off.kernels).toBeLessThan(on.kernels);
    const missing = on.parameters.filter((name) => !off.parameters.includes(name));
    const parts: Partial<Record<keyof LossWeights, RegExp>> = {
      reconstruction: /^decoder\./,
      adversary: /^discriminator\./,
      semantics: /^classifier\./,
    };
    expect(missing).toEqual(on.parameters.filter((name) => parts[term]?.test(name)));
  });

  it('the term also trains alone', async () => {
    const source = syntheticSource(60, 3, 1);
    const { history } = await trainInThisThread(source, { ...SMALL, weights: only(term) });
    expect(history.map(({ losses }) => Object.keys(losses))).toEqual([[term], [term]]);
  });
});

it('gives the same encoder whatever the options of a part that is off', async () => {
  const source = syntheticSource(60, 3, 1);
  const parameters = async (input: TrainOptionsInput) =>
    loadParameters((await trainInThisThread(source, { ...SMALL, ...input })).bytes);
  const weights = { reconstruction: 0, adversary: 0 };
  const [one, other] = [
    await parameters({ preset: 'paper', weights }),
    await parameters({ preset: 'paper', weights, decoderHidden: 7, discriminatorHidden: 5 }),
  ];
  expect(other).toEqual(one);
});

describe('the record of each epoch', () => {
  it.each(['paper', 'default'] as const)(
    'has every term in use, and the accuracy of the discriminator: %s',
    async (preset) => {
      const source = syntheticSource(120, 3, 1);
      const reported: TrainProgress[] = [];
      const options = { ...SMALL, preset, members: 2, epochs: 3 };
      const { history, ...trained } = await trainInThisThread(source, options, {
        onProgress: (progress) => reported.push(progress),
      });
      const on = TERMS.filter((term) => trained.options.weights[term] > 0);
      const upTo = (last: number) => Array.from({ length: last }, (_, i) => i + 1);
      const { bestEpoch } = trained;
      expect(history.map(({ member, epoch }) => [member, epoch])).toEqual(
        [3, bestEpoch, bestEpoch].flatMap((epochs, m) => upTo(epochs).map((e) => [m, e])),
      );
      for (const { member, losses, discriminatorAccuracy: accuracy, validation } of history) {
        expect(Object.keys(losses).sort()).toEqual([...on].sort());
        expect(Object.values(losses).every(Number.isFinite)).toBe(true);
        expect(Math.abs((accuracy ?? 9) - 0.5)).toBeLessThanOrEqual(0.5);
        expect(validation === null).toBe(member > 0);
      }
      const epochs = reported.flatMap((p) => (p.kind === 'epoch' ? [p] : []));
      expect(epochs.map(({ epoch }) => epoch)).toEqual(upTo(3 + 2 * bestEpoch));
      expect(epochs.map(({ member, losses, validation }) => ({ member, losses, validation }))).toEqual(
        history.map(({ member, losses, validation }) => ({ member, losses, validation })),
      );
    },
  );

  it('weights the accuracy of the discriminator equally for both modalities', () => {
    const accuracy = discriminatorAccuracy(tf.tensor2d([[1], [-1], [2]]), tf.tensor2d([[-1], [3]]));
    expect(accuracy.dataSync()[0]).toBeCloseTo((2 / 3 + 1 / 2) / 2, 6);
  });
});

it('fails as soon as a term is not finite', async () => {
  const training = trainInThisThread(syntheticSource(90, 3, 4), { ...SMALL, weights: { similarity: 1e38 } });
  await expect(training).rejects.toMatchObject({
    code: 'BAD_INPUT',
    message: expect.stringMatching(/diverged: in epoch 1 the term/),
  });
});

it('stores the normalisation of its source set with the encoder', async () => {
  const source = syntheticSource(90, 3, 4);
  const trained = await trainInThisThread(source, SMALL);
  const { sides } = loadParameters(trained.bytes);
  expect(sides.IMAGE.normalisation).toEqual(fitNormalisation(source.image, trained.options));
  expect(sides.TEXT.normalisation).toEqual(fitNormalisation(source.text, trained.options));
});
