import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { createNetwork, type Network } from '../../src/encoder/network/network.js';
import { type Batch, makeBatch, type SourceTensors } from '../../src/encoder/training/batch.js';
import { captionRows } from '../../src/encoder/training/further-texts.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { computeGradients } from '../../src/encoder/training/train-step.js';
import type { LossWeights } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { type PlainBatch, type PlainNetwork, plainLosses, type Rows } from './plain-masln.js';

const OFF: LossWeights = {
  similarity: 0,
  reconstruction: 0,
  semantics: 0,
  adversary: 0,
  pairContrast: 0,
  classContrast: 0,
  classCosine: 0,
};
const LABELS = [0, 1, 0, -1, 1, 2, 0];
/** Pairs 1 and 4 are captions of one picture. */
const GROUPS = [0, 1, 2, 3, 1, 5, 6];
const CLASSES = 3;

beforeAll(async () => {
  await loadTensorBackend();
});

/** A tiny MASLN with all features: dropout, input noise, linear paths, pairs without a class, two captions of one picture. */
function tiny(weights: Partial<LossWeights>) {
  const options = resolveTrainOptions({
    preset: 'paper',
    dimension: 3,
    imageHidden: [5],
    textHidden: [4],
    decoderHidden: 4,
    discriminatorHidden: 3,
    adversaryRamp: 0,
    dropout: 0.3,
    inputNoise: 0.2,
    labelSmoothing: 0.1,
    softTargets: 0.4,
    softTemperature: 0.5,
    pairTemperature: 0.7,
    classTemperature: 0.6,
    weights: { ...OFF, ...weights },
  });
  const random = createRandom(5);
  const drawn = (rows: number, columns: number) => normals(rows * columns, 1, random);
  const n = LABELS.length;
  const rows = {
    image: { data: drawn(n, 4), rows: n, columns: 4 },
    text: { data: drawn(n, 3), rows: n, columns: 3 },
    further: null,
  };
  const source: SourceTensors = {
    rows,
    image: tf.tensor2d(rows.image.data, [n, 4]),
    text: tf.tensor2d(rows.text.data, [n, 3]),
    deviation: { IMAGE: tf.tensor1d([1, 0.5, 2, 1]), TEXT: tf.tensor1d([1, 1, 0.3]) },
    labels: Int32Array.from(LABELS),
    groups: Int32Array.from(GROUPS),
    classes: CLASSES,
    classEmbeddings: tf.tensor2d(drawn(CLASSES + 1, 2), [CLASSES + 1, 2]),
  };
  const linear = (from: number) => ({
    weights: { data: drawn(from, 3), rows: from, columns: 3 },
    bias: new Float32Array(3),
    slope: 1,
  });
  const shape = { components: { IMAGE: 4, TEXT: 3 }, code: 3, classes: CLASSES, classEmbedding: 2 };
  const network = createNetwork(shape, options, random, { IMAGE: linear(4), TEXT: linear(3) });
  // Biases differ from 0 and scales from 1, so that a gradient that ignores them fails the test.
  for (const parameter of network.parameters.values()) {
    parameter.values.forEach((x, i) => {
      parameter.values[i] = x + 0.3 * random.normal();
    });
    const next = tf.tensor(parameter.values.slice(), [...parameter.shape]);
    parameter.variable.assign(next);
    next.dispose();
  }
  const batch = makeBatch(source, captionRows(Int32Array.from(LABELS.keys())), network, random);
  return { network, batch, source };
}

function rowsOf(tensor: tf.Tensor2D): Rows {
  return tensor.arraySync();
}

function plain(network: Network, batch: Batch, source: SourceTensors) {
  const { options } = network;
  const embeddings = rowsOf(source.classEmbeddings as tf.Tensor2D);
  const plainBatch: PlainBatch = {
    image: rowsOf(batch.image),
    text: rowsOf(batch.text),
    noisyImage: rowsOf(batch.noisyImage),
    noisyText: rowsOf(batch.noisyText),
    masks: { IMAGE: batch.masks.IMAGE.map(rowsOf), TEXT: batch.masks.TEXT.map(rowsOf) },
    labels: LABELS,
    groups: GROUPS,
    classEmbeddings: LABELS.map((label) => embeddings[label < 0 ? CLASSES : label] ?? []),
    classes: CLASSES,
    smoothing: options.labelSmoothing,
    soft: options.softTargets,
    softTemperature: options.softTemperature,
    pairTemperature: options.pairTemperature,
    classTemperature: options.classTemperature,
  };
  const plainNetwork: PlainNetwork = {
    values: new Map([...network.parameters].map(([name, { values }]) => [name, Float64Array.from(values)])),
    widths: new Map([...network.parameters].map(([name, { shape }]) => [name, shape.at(-1) ?? 1])),
    slope: options.slope,
    hidden: 1,
  };
  return { plainNetwork, plainBatch };
}

/** dL/dθ by central differences, in float64. */
function numericGradient(network: PlainNetwork, batch: PlainBatch, term: string, name: string): number[] {
  const values = network.values.get(name) ?? new Float64Array();
  const step = 1e-5;
  return [...values].map((x, i) => {
    values[i] = x + step;
    const up = plainLosses(network, batch)[term] ?? Number.NaN;
    values[i] = x - step;
    const down = plainLosses(network, batch)[term] ?? Number.NaN;
    values[i] = x;
    return (up - down) / (2 * step);
  });
}

const WEIGHT = 0.7;
const TERMS = Object.keys(OFF) as (keyof LossWeights)[];

describe.each(TERMS)('%s', (term) => {
  it('has the value of its formula', () => {
    const { network, batch, source } = tiny({ [term]: WEIGHT });
    const { plainNetwork, plainBatch } = plain(network, batch, source);
    const { losses } = computeGradients(network, batch, 1);
    expect(Object.keys(losses)).toEqual([term]);
    expect(losses[term]).toBeCloseTo(plainLosses(plainNetwork, plainBatch)[term] ?? Number.NaN, 4);
  });

  it('has the gradient of its formula by finite differences, times its weight', () => {
    const { network, batch, source } = tiny({ [term]: WEIGHT });
    const { plainNetwork, plainBatch } = plain(network, batch, source);
    const { gradients } = computeGradients(network, batch, 1);
    expect(gradients.size).toBeGreaterThan(0);
    for (const [name, gradient] of gradients) {
      const numeric = numericGradient(plainNetwork, plainBatch, term, name);
      // The gradient reversal applies λ: −λ for the encoders, 1 for the discriminator.
      const factor = term !== 'adversary' ? WEIGHT : name.startsWith('discriminator') ? 1 : -WEIGHT;
      gradient.forEach((g, i) => {
        expect(g, `${name}[${i}]`).toBeCloseTo(factor * (numeric[i] ?? Number.NaN), 3);
      });
    }
  });
});

it('reverses the gradient of the adversary for the encoders', () => {
  const { network, batch, source } = tiny({ adversary: 2 });
  const { plainNetwork, plainBatch } = plain(network, batch, source);
  const { gradients } = computeGradients(network, batch, 1);
  for (const name of ['IMAGE.code.weights', 'TEXT.code.weights', 'IMAGE.0.weights']) {
    const numeric = numericGradient(plainNetwork, plainBatch, 'adversary', name);
    const along = numeric.reduce((sum, x, i) => sum + x * (gradients.get(name)?.[i] ?? 0), 0);
    const squaredNorm = numeric.reduce((sum, x) => sum + x * x, 0);
    expect(squaredNorm).toBeGreaterThan(1e-4);
    expect(along / squaredNorm).toBeCloseTo(-2, 2);
  }
});

it('sums the terms by their weights', () => {
  const weights = { similarity: 0.3, semantics: 1.5, pairContrast: 0.5 };
  const { network, batch } = tiny(weights);
  const together = computeGradients(network, batch, 1).gradients.get('IMAGE.code.weights') ?? [];
  const apart = Object.entries(weights).map(([term, weight]) => {
    const one = tiny({ [term]: weight });
    return computeGradients(one.network, makeSame(one, batch), 1).gradients.get('IMAGE.code.weights') ?? [];
  });
  together.forEach((g, i) => {
    expect(g).toBeCloseTo(
      apart.reduce((sum, gradient) => sum + (gradient[i] ?? 0), 0),
      3,
    );
  });

  /** Copies the parameters of `network` into the other network, and selects the targets that its terms need. */
  function makeSame(one: ReturnType<typeof tiny>, with_: Batch): Batch {
    for (const [name, { variable }] of one.network.parameters) {
      const same = network.parameters.get(name);
      if (same) variable.assign(same.variable as tf.Tensor);
    }
    return {
      ...with_,
      classTargets: one.batch.classTargets && with_.classTargets,
      pairTargets: one.batch.pairTargets && with_.pairTargets,
    };
  }
});

it('creates only the parts that the terms in use need', () => {
  const names = (weights: Partial<LossWeights>) => [...tiny(weights).network.parameters.keys()].join(' ');
  expect(names({ similarity: 1 })).not.toMatch(/decoder|discriminator|classifier/);
  expect(names({ reconstruction: 1 })).toMatch(/decoder\.IMAGE.*decoder\.TEXT/);
  expect(names({ adversary: 1 })).toMatch(/discriminator/);
  expect(names({ semantics: 1 })).toMatch(/classifier/);
});
