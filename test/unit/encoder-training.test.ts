import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluateRetrieval } from '../../src/domain/metrics.js';
import { trainCca } from '../../src/encoder/baselines/train-cca.js';
import { createEncoder } from '../../src/encoder/inference/create-encoder.js';
import {
  aboutEncoder,
  loadEncoder,
  loadParameters,
  saveEncoder,
} from '../../src/encoder/inference/serialise.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import {
  encodeInference,
  foldBatchNorm,
  populationStatistics,
} from '../../src/encoder/network/fold-batch-norm.js';
import { createNetwork } from '../../src/encoder/network/network.js';
import type { MemberState } from '../../src/encoder/training/member-state.js';
import { createMemberTraining } from '../../src/encoder/training/member-training.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import { holdOut, prepareSource, splitPairs } from '../../src/encoder/training/training-data.js';
import type {
  Encoder,
  SourceSet,
  TrainedEncoder,
  TrainOptionsInput,
  TrainProgress,
} from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { syntheticSource } from './encoder-source.js';

const SMALL: TrainOptionsInput = {
  dimension: 12,
  imageHidden: [24],
  textHidden: [16],
  batchSize: 64,
  epochs: 8,
  ccaDimension: 4,
  members: 1,
};

beforeAll(async () => {
  await loadTensorBackend();
});

function figures(encoder: Encoder, source: SourceSet, rows: Int32Array) {
  const classes = Int32Array.from(rows, (row) => source.labels[row] ?? -1);
  const side = (modality: 'IMAGE' | 'TEXT') => ({
    embeddings: encoder.embedMany(
      modality,
      takeRows(modality === 'IMAGE' ? source.image : source.text, rows),
    ),
    classes,
    pairs: rows,
  });
  return evaluateRetrieval(side('IMAGE'), side('TEXT'));
}

function halves(source: SourceSet): { train: SourceSet; rows: Int32Array } {
  const { training, validation } = splitPairs(source.labels.length, 0.3, 77);
  const train = {
    ...source,
    image: takeRows(source.image, training),
    text: takeRows(source.text, training),
    labels: training.map((row) => source.labels[row] ?? -1),
  };
  return { train, rows: validation };
}

describe('training', () => {
  const source = syntheticSource(400, 6, 1);
  const { train, rows } = halves(source);

  it.each(['paper', 'default'] as const)(
    'learns a space that pairs never seen fit into: %s',
    async (preset) => {
      const progress: TrainProgress[] = [];
      const trained = await trainInThisThread(
        train,
        { ...SMALL, preset, epochs: 20 },
        { onProgress: (p) => progress.push(p) },
      );
      const { mean, chance } = figures(loadEncoder(trained.bytes), source, rows);
      expect(mean.map ?? 0).toBeGreaterThan(2.5 * (chance.map ?? 1));
      expect(mean.recall[10] ?? 0).toBeGreaterThan(2 * (chance.recall[10] ?? 1));
      const epochs = progress.filter((p) => p.kind === 'epoch');
      expect(epochs).toHaveLength(trained.epochs);
      const [first, last] = [epochs[0], epochs.at(-1)];
      expect(last?.losses.semantics).toBeLessThan(first?.losses.semantics ?? 0);
      expect(last?.validation ?? 0).toBeGreaterThan(0);
      expect(trained.notes).toEqual([]);
    },
  );

  it('gives the same bytes for the same seed, others for another', async () => {
    const bytes = async (seed: number) =>
      (await trainInThisThread(train, { ...SMALL, epochs: 3, inputNoise: 0.1, seed })).bytes;
    const [a, b, c] = [await bytes(4), await bytes(4), await bytes(5)];
    expect(Buffer.compare(a, b)).toBe(0);
    expect(Buffer.compare(a, c)).not.toBe(0);
  });

  it.each(['paper', 'default'] as const)(
    'keeps no tensor: as many after each epoch as before it, and none after a training: %s',
    async (preset) => {
      const before = tf.memory().numTensors;
      const options = resolveTrainOptions({ ...SMALL, preset, inputNoise: 0.1, mixup: 0.2 });
      const split = holdOut(prepareSource(train, options), splitPairs(train.labels.length, 0.2, 0));
      const member = createMemberTraining(split, options, {
        member: 0,
        epochs: 5,
        codeWidth: 12,
        linear: null,
      });
      const counts = () => [tf.memory().numTensors, tf.memory().numDataBuffers, tf.memory().numBytes];
      const atStart = counts();
      while (!member.done) {
        member.runEpoch();
        member.state();
        expect(counts()).toEqual(atStart);
      }
      expect(member.epoch).toBe(5);
      member.result();
      member.dispose();
      expect(tf.memory().numTensors).toBe(before);
      await trainInThisThread(train, { ...SMALL, preset, epochs: 1, members: 2 });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('goes on from a state as if it had never stopped', () => {
    const options = resolveTrainOptions({ ...SMALL, preset: 'paper', dimension: 8 });
    const split = holdOut(prepareSource(train, options), splitPairs(train.labels.length, 0.2, 0));
    const start = (resume: MemberState | null = null) =>
      createMemberTraining(split, options, { member: 0, epochs: 6, codeWidth: 8, linear: null, resume });
    const whole = start();
    while (!whole.done) whole.runEpoch();
    const half = start();
    for (let i = 0; i < 3; i += 1) half.runEpoch();
    const resumed = start(half.state());
    while (!resumed.done) resumed.runEpoch();
    expect(resumed.state()).toEqual(whole.state());
    for (const training of [whole, half, resumed]) training.dispose();
  });

  it('keeps the best epoch by the validation pairs, and stops when patience ends', () => {
    const options = resolveTrainOptions({
      ...SMALL,
      preset: 'paper',
      epochs: 40,
      patience: 2,
      learningRate: 0.05,
    });
    const split = holdOut(prepareSource(train, options), splitPairs(train.labels.length, 0.2, 0));
    const training = createMemberTraining(split, options, {
      member: 0,
      epochs: 40,
      codeWidth: 12,
      linear: null,
    });
    const seen: number[] = [];
    while (!training.done) seen.push(training.runEpoch().validation ?? 0);
    expect(training.bestValidation).toBe(Math.max(...seen));
    expect(training.bestEpoch).toBe(seen.indexOf(Math.max(...seen)) + 1);
    expect(seen.length === 40 || seen.length - training.bestEpoch === 2).toBe(true);
    training.dispose();
  });

  it('trains pairs without a class too, and says so', async () => {
    const some = syntheticSource(200, 4, 3, 60);
    const trained = await trainInThisThread(some, { ...SMALL, preset: 'paper', epochs: 3 });
    expect(trained.notes).toEqual([expect.stringContaining('60 of 200 pairs have no class')]);
    expect(loadEncoder(trained.bytes).embed('TEXT', some.text.data.subarray(0, 24))).toHaveLength(12);
  });

  it.each(['paper', 'default'] as const)('trains without any class, and says so: %s', async (preset) => {
    const all = syntheticSource(300, 4, 3, 300);
    const none: SourceSet = {
      ...all,
      classNames: [],
      classEmbeddings: { data: new Float32Array(), rows: 0, columns: 0 },
    };
    const progress: TrainProgress[] = [];
    const trained = await trainInThisThread(
      none,
      { ...SMALL, preset, epochs: 12 },
      { onProgress: (p) => progress.push(p) },
    );
    expect(trained.notes).toEqual([expect.stringContaining('No pair has a class')]);
    const last = progress.at(-1);
    expect(last?.kind === 'epoch' && Object.keys(last.losses)).not.toContain('semantics');
    expect(trained.validation).toBeGreaterThan(0);
  });

  it('trains on one class as on none, for one class tells nothing from anything', async () => {
    const all = syntheticSource(80, 1, 3);
    const prepared = prepareSource(all, resolveTrainOptions(SMALL));
    expect(prepared).toMatchObject({ classes: 0, classEmbeddings: null });
    expect(prepared.notes).toEqual(['There is one class only: the class terms were off.']);
    expect(new Set(prepared.pairs.labels)).toEqual(new Set([-1]));
  });

  it('brings an ensemble down to the width asked for, and keeps nearly all of its cosines', async () => {
    const options = { ...SMALL, epochs: 5, members: 2, ccaShare: 0.5 } as const;
    const narrow = await trainInThisThread(train, options);
    const wide = await trainInThisThread(train, {
      ...options,
      memberDimension: 12,
      ccaDimension: 4,
      dimension: 28,
    });
    expect([narrow.dimension, wide.dimension]).toEqual([12, 28]);
    const [a, b] = [narrow, wide].map(({ bytes }) => figures(loadEncoder(bytes), source, rows).mean.map ?? 0);
    expect(a).toBeGreaterThan(0.93 * (b ?? 0));
  });

  it('holds no pair out where there are too few to say anything', async () => {
    const few = syntheticSource(12, 2, 3);
    const trained = await trainInThisThread(few, { ...SMALL, epochs: 2 });
    expect(trained.validation).toBeNull();
    expect(trained.bestEpoch).toBe(2);
  });

  it.each<[string, (s: SourceSet) => SourceSet, string]>([
    [
      'too few pairs',
      (s) => ({
        ...s,
        image: takeRows(s.image, Int32Array.of(1)),
        text: takeRows(s.text, Int32Array.of(1)),
        labels: Int32Array.of(0),
      }),
      'NO_PAIRS',
    ],
    [
      'sides of different lengths',
      (s) => ({ ...s, image: takeRows(s.image, Int32Array.of(1, 2, 3)) }),
      'BAD_INPUT',
    ],
    [
      'a number that is not finite',
      (s) => ({ ...s, text: { ...s.text, data: s.text.data.map((x, i) => (i === 50 ? Number.NaN : x)) } }),
      'BAD_INPUT',
    ],
    [
      'a class that is not there',
      (s) => ({ ...s, labels: s.labels.map((x, i) => (i === 3 ? 99 : x)) }),
      'BAD_INPUT',
    ],
    ['names and class embeddings that differ in number', (s) => ({ ...s, classNames: ['one'] }), 'BAD_INPUT'],
  ])('refuses %s', async (_, broken, code) => {
    await expect(trainInThisThread(broken(source), SMALL)).rejects.toMatchObject({ code });
  });

  it('names the row at fault', async () => {
    const broken = {
      ...source,
      text: { ...source.text, data: source.text.data.map((x, i) => (i === 50 ? Number.NaN : x)) },
    };
    await expect(trainInThisThread(broken, SMALL)).rejects.toThrow(/row 2 of text/);
  });
});

describe('options', () => {
  it('lays what is given over the preset, weight by weight', () => {
    const options = resolveTrainOptions({ preset: 'paper', seed: 3, weights: { adversary: 0 } });
    expect(options).toMatchObject({ preset: 'paper', seed: 3 });
    expect(options.weights).toEqual({ ...resolveTrainOptions({ preset: 'paper' }).weights, adversary: 0 });
  });

  it("keeps the paper's losses, and nothing else, in its preset", () => {
    const { weights, ccaShare, ccaSkip, softTargets, labelSmoothing, inputNoise, members } =
      resolveTrainOptions({ preset: 'paper' });
    expect(
      Object.entries(weights)
        .filter(([, w]) => w > 0)
        .map(([name]) => name),
    ).toEqual(['similarity', 'reconstruction', 'semantics', 'adversary']);
    expect({ ccaShare, ccaSkip, softTargets, labelSmoothing, inputNoise, members }).toEqual({
      ccaShare: 0,
      ccaSkip: false,
      softTargets: 0,
      labelSmoothing: 0,
      inputNoise: 0,
      members: 1,
    });
  });

  it.each<[string, TrainOptionsInput]>([
    ['seed', { seed: -1 }],
    ['epochs', { epochs: 1.5 }],
    ['dropout', { dropout: 1 }],
    ['validation', { validation: 0.6 }],
    ['weights.semantics', { weights: { semantics: Number.NaN } }],
    ['dimension', { dimension: 64, memberDimension: 8, ccaDimension: 8 }],
  ])('refuses a bad %s', (name, input) => {
    expect(() => resolveTrainOptions(input)).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', field: [name] }),
    );
  });
});

describe('the stored encoder', () => {
  it("folds to within 1e-5 of the training graph's own inference", () => {
    const options = resolveTrainOptions({ ...SMALL, preset: 'paper' });
    const source = syntheticSource(120, 3, 2);
    const prepared = prepareSource(source, options);
    const random = createRandom(8);
    const linear = (from: number) => ({
      weights: { data: normals(from * 12, 0.3, random), rows: from, columns: 12 },
      bias: new Float32Array(12),
      slope: 1,
    });
    const components = { IMAGE: prepared.pairs.image.columns, TEXT: prepared.pairs.text.columns };
    const network = createNetwork({ components, code: 12, classes: 0, classEmbedding: 0 }, options, random, {
      IMAGE: linear(components.IMAGE),
      TEXT: linear(components.TEXT),
    });
    for (const modality of ['IMAGE', 'TEXT'] as const) {
      const { data, rows, columns } = modality === 'IMAGE' ? prepared.pairs.image : prepared.pairs.text;
      const input = tf.tensor2d(data, [rows, columns]);
      const statistics = populationStatistics(network, modality, input);
      const codes = encodeInference(network, modality, input, statistics).arraySync();
      const branch = foldBatchNorm(network, modality, statistics);
      const side = { normalisation: prepared.normalisation[modality], branches: [branch] };
      const encoder = createEncoder({
        branchWeights: [1],
        posteriorWeights: [0],
        projection: null,
        norms: null,
        sides: { IMAGE: side, TEXT: side },
      });
      const features = modality === 'IMAGE' ? source.image : source.text;
      const embeddings = encoder.embedMany(modality, features);
      codes.forEach((code, i) => {
        const norm = Math.hypot(...code);
        code.forEach((x, j) => {
          expect(embeddings.data[i * 12 + j]).toBeCloseTo(x / norm, 5);
        });
      });
      input.dispose();
    }
    network.dispose();
  });

  const source = syntheticSource(80, 3, 2);
  let trained: TrainedEncoder;
  beforeAll(async () => {
    trained = await trainInThisThread(source, { ...SMALL, epochs: 2, members: 2 });
  });

  it('gives unit vectors, one at a time or many, and the same after a round trip', async () => {
    const { bytes } = trained;
    const encoder = loadEncoder(bytes);
    expect(encoder.featureDimension).toEqual({ IMAGE: 40, TEXT: 24 });
    expect(encoder.dimension).toBe(12);
    const many = encoder.embedMany('IMAGE', source.image);
    const one = encoder.embed('IMAGE', source.image.data.subarray(40, 80));
    expect(many.data.slice(12, 24)).toEqual(one);
    expect(Math.hypot(...one)).toBeCloseTo(1, 6);
    const again = loadEncoder(saveEncoder(loadParameters(bytes)));
    expect(again.embed('IMAGE', source.image.data.subarray(40, 80))).toEqual(one);
    expect(aboutEncoder(bytes)).toMatchObject({ options: { preset: 'default' } });
  });

  it('refuses a feature of another length', async () => {
    const encoder = loadEncoder(trained.bytes);
    expect(() => encoder.embed('TEXT', new Float32Array(40))).toThrow(
      expect.objectContaining({ code: 'WRONG_DIMENSION' }),
    );
  });

  it('refuses bytes that are not an encoder', async () => {
    const { bytes } = trained;
    for (const broken of [
      new Uint8Array(3),
      bytes.slice(0, 100),
      bytes.slice(0, -4),
      new TextEncoder().encode('{"a":1}'),
    ]) {
      expect(() => loadEncoder(broken)).toThrow(expect.objectContaining({ code: 'BAD_MODEL' }));
    }
  });
});

describe('in a worker thread', () => {
  const source = syntheticSource(120, 3, 6);

  it('does what this thread does, and leaves the data to the caller', async () => {
    const progress: TrainProgress[] = [];
    const options = { ...SMALL, epochs: 3 };
    const there = await trainEncoder(source, options, { onProgress: (p) => progress.push(p) });
    const here = await trainInThisThread(source, options);
    expect(Buffer.compare(there.bytes, here.bytes)).toBe(0);
    expect(progress.filter((p) => p.kind === 'epoch').map((p) => p.epoch)).toEqual([1, 2, 3]);
    expect(source.image.data).toHaveLength(120 * 40);
  });

  it('stops when it is cancelled', async () => {
    const controller = new AbortController();
    const training = trainEncoder(
      source,
      { ...SMALL, epochs: 100_000 },
      {
        signal: controller.signal,
        onProgress: (p) => p.kind === 'epoch' && controller.abort(),
      },
    );
    await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(trainEncoder(source, SMALL, { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});

describe('the CCA baseline', () => {
  it('finds what is linear, with a width and regularisation of its own choice', async () => {
    const source = syntheticSource(400, 6, 1);
    const { train, rows } = halves(source);
    const cca = await trainCca(train, { dimension: 12 });
    const { mean, chance } = figures(cca.encoder, source, rows);
    expect(mean.map ?? 0).toBeGreaterThan(2 * (chance.map ?? 1));
    expect(cca.encoder.dimension).toBe(cca.k);
    expect(cca.k).toBeLessThanOrEqual(12);
    const stored = loadEncoder(cca.bytes);
    expect(stored.embed('TEXT', source.text.data.subarray(0, 24))).toEqual(
      cca.encoder.embed('TEXT', source.text.data.subarray(0, 24)),
    );
  });
});
