import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadEncoder } from '../../src/encoder/inference/serialise.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { groupsOf } from '../../src/encoder/training/groups.js';
import type { MemberState } from '../../src/encoder/training/member-state.js';
import { createMemberTraining } from '../../src/encoder/training/member-training.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import { holdOut, prepareSource, splitPairs } from '../../src/encoder/training/training-data.js';
import type { SourceSet, TrainProgress } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { retrievalFigures, SMALL_TRAINING, syntheticSource, trainAndHeldOut } from './encoder-source.js';

beforeAll(async () => {
  await loadTensorBackend();
});

describe('training', () => {
  const source = syntheticSource(400, 6, 1);
  const { train, rows } = trainAndHeldOut(source);

  it.each(['paper', 'default'] as const)(
    'learns a space in which held-out pairs match: %s',
    async (preset) => {
      const progress: TrainProgress[] = [];
      const trained = await trainInThisThread(
        train,
        { ...SMALL_TRAINING, preset, epochs: 20 },
        { onProgress: (p) => progress.push(p) },
      );
      const { mean, chance } = retrievalFigures(loadEncoder(trained.bytes), source, rows);
      expect(mean.map ?? 0).toBeGreaterThan(2.5 * (chance.map ?? 1));
      expect(mean.recall[10] ?? 0).toBeGreaterThan(2 * (chance.recall[10] ?? 1));
      const epochs = progress.filter((p) => p.kind === 'epoch');
      expect(epochs).toHaveLength(trained.epochs);
      const [first, last] = [epochs[0], epochs.findLast(({ member }) => member === 0)];
      expect(last?.losses.semantics).toBeLessThan(first?.losses.semantics ?? 0);
      expect(last?.validation ?? 0).toBeGreaterThan(0);
      expect(trained.notes).toEqual([]);
    },
  );

  it('gives the same bytes for the same seed, and other bytes for another seed', async () => {
    const bytes = async (seed: number) =>
      (await trainInThisThread(train, { ...SMALL_TRAINING, epochs: 3, inputNoise: 0.1, seed })).bytes;
    const [a, b, c] = [await bytes(4), await bytes(4), await bytes(5)];
    expect(Buffer.compare(a, b)).toBe(0);
    expect(Buffer.compare(a, c)).not.toBe(0);
  });

  it.each(['paper', 'default'] as const)(
    'keeps the number of tensors constant over epochs, and leaves none after a training: %s',
    async (preset) => {
      const before = tf.memory().numTensors;
      const options = resolveTrainOptions({ ...SMALL_TRAINING, preset, inputNoise: 0.1, mixup: 0.2 });
      const split = holdOut(prepareSource(train, options), splitPairs(groupsOf(train), 0.2, 0));
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
      await trainInThisThread(train, { ...SMALL_TRAINING, preset, epochs: 1, members: 2 });
      expect(tf.memory().numTensors).toBe(before);
    },
  );

  it('gives the same state when resumed as without interruption', () => {
    const options = resolveTrainOptions({ ...SMALL_TRAINING, preset: 'paper', dimension: 8 });
    const split = holdOut(prepareSource(train, options), splitPairs(groupsOf(train), 0.2, 0));
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

  it('keeps the epoch with the best validation figure, and stops when patience ends', () => {
    const options = resolveTrainOptions({
      ...SMALL_TRAINING,
      preset: 'paper',
      epochs: 40,
      patience: 2,
      learningRate: 0.05,
    });
    const split = holdOut(prepareSource(train, options), splitPairs(groupsOf(train), 0.2, 0));
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

  it('trains on pairs without a class, with a note', async () => {
    const some = syntheticSource(200, 4, 3, 60);
    const trained = await trainInThisThread(some, { ...SMALL_TRAINING, preset: 'paper', epochs: 3 });
    expect(trained.notes).toEqual([expect.stringContaining('60 of 200 pairs have no class')]);
    expect(loadEncoder(trained.bytes).embed('TEXT', some.text.data.subarray(0, 24))).toHaveLength(12);
  });

  it.each(['paper', 'default'] as const)('trains without any class, with a note: %s', async (preset) => {
    const all = syntheticSource(300, 4, 3, 300);
    const none: SourceSet = {
      ...all,
      classNames: [],
      classEmbeddings: { data: new Float32Array(), rows: 0, columns: 0 },
    };
    const progress: TrainProgress[] = [];
    const trained = await trainInThisThread(
      none,
      { ...SMALL_TRAINING, preset, epochs: 12 },
      { onProgress: (p) => progress.push(p) },
    );
    expect(trained.notes).toEqual([expect.stringContaining('No pair has a class')]);
    const last = progress.at(-1);
    expect(last?.kind === 'epoch' && Object.keys(last.losses)).not.toContain('semantics');
    expect(trained.validation).toBeGreaterThan(0);
  });

  it('treats a single class as no class', async () => {
    const all = syntheticSource(80, 1, 3);
    const prepared = prepareSource(all, resolveTrainOptions(SMALL_TRAINING));
    expect(prepared).toMatchObject({ classes: 0, classEmbeddings: null });
    expect(prepared.notes).toEqual(['There is one class only: the class terms were off.']);
    expect(new Set(prepared.pairs.labels)).toEqual(new Set([-1]));
  });

  it('reduces an ensemble to the width in the options with little loss', async () => {
    const options = { ...SMALL_TRAINING, epochs: 5, members: 2, ccaShare: 0.5 } as const;
    const narrow = await trainInThisThread(train, options);
    const wide = await trainInThisThread(train, {
      ...options,
      memberDimension: 12,
      ccaDimension: 4,
      dimension: 28,
    });
    expect([narrow.dimension, wide.dimension]).toEqual([12, 28]);
    const [a, b] = [narrow, wide].map(
      ({ bytes }) => retrievalFigures(loadEncoder(bytes), source, rows).mean.map ?? 0,
    );
    expect(a).toBeGreaterThan(0.93 * (b ?? 0));
  });

  it('holds no pair out if there are too few', async () => {
    const few = syntheticSource(12, 2, 3);
    const trained = await trainInThisThread(few, { ...SMALL_TRAINING, epochs: 2 });
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
      'a class that does not exist',
      (s) => ({ ...s, labels: s.labels.map((x, i) => (i === 3 ? 99 : x)) }),
      'BAD_INPUT',
    ],
    ['names and class embeddings that differ in number', (s) => ({ ...s, classNames: ['one'] }), 'BAD_INPUT'],
  ])('refuses %s', async (_, broken, code) => {
    await expect(trainInThisThread(broken(source), SMALL_TRAINING)).rejects.toMatchObject({ code });
  });

  it('names the row that is not valid', async () => {
    const broken = {
      ...source,
      text: { ...source.text, data: source.text.data.map((x, i) => (i === 50 ? Number.NaN : x)) },
    };
    await expect(trainInThisThread(broken, SMALL_TRAINING)).rejects.toThrow(/row 2 of text/);
  });
});
