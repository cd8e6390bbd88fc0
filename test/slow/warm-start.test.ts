import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadEncoder, loadParameters } from '../../src/encoder/inference/serialise.js';
import { takeRows } from '../../src/encoder/math/matrix.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { WarmStart } from '../../src/encoder/training/warm-start.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { retrievalFigures, SMALL_TRAINING, syntheticSource } from '../unit/encoder-source.js';

const CLASSES = 8;
const ALL = syntheticSource(900, CLASSES, 11);
const rows = (from: number, to: number) => Int32Array.from({ length: to - from }, (_, i) => from + i);

function part(from: number, to: number): SourceSet {
  const own = rows(from, to);
  return {
    ...ALL,
    image: takeRows(ALL.image, own),
    text: takeRows(ALL.text, own),
    labels: own.map((row) => ALL.labels[row] ?? -1),
  };
}

const OLD = part(0, 350);
const GROWN = part(0, 500);
const HELD = rows(500, 900);
const OPTIONS: TrainOptionsInput = { ...SMALL_TRAINING, epochs: 16, validation: 0 };
const SAME_CLASSES = Int32Array.from({ length: CLASSES }, (_, c) => c);
const mapOf = ({ bytes }: TrainedEncoder) => retrievalFigures(loadEncoder(bytes), ALL, HELD).mean.map ?? 0;

let old: TrainedEncoder;
let warmStart: WarmStart;
beforeAll(async () => {
  await loadTensorBackend();
  old = await trainInThisThread(OLD, OPTIONS);
  warmStart = { bytes: old.bytes, classes: SAME_CLASSES };
});

describe('a training that continues from an encoder', () => {
  it('is as good with a quarter of the steps as one from nothing', async () => {
    const fresh = await trainInThisThread(GROWN, OPTIONS);
    const warm = await trainInThisThread(GROWN, { ...OPTIONS, epochs: 4 }, { warmStart });
    const short = await trainInThisThread(GROWN, { ...OPTIONS, epochs: 4 });
    expect(warm.epochs).toBe(fresh.epochs / 4);
    expect(mapOf(warm)).toBeGreaterThan(mapOf(fresh) - 0.005);
    expect(mapOf(warm)).toBeGreaterThan(mapOf(short));
  });

  it('starts where the encoder is', async () => {
    // Steps this small change nothing.
    const still = { ...OPTIONS, epochs: 1, learningRate: 1e-8, ccaShare: 0, posteriorShare: 0 };
    // Without held-out pairs both use the statistics of the same rows.
    const { bytes } = await trainInThisThread(OLD, { ...OPTIONS, validation: 0, epochs: 4 });
    const warm = await trainInThisThread(OLD, still, { warmStart: { bytes, classes: SAME_CLASSES } });
    const codes = (file: Uint8Array) => {
      const { sides } = loadParameters(file);
      return sides.IMAGE.branches[0]?.layers.map(({ bias }) => bias) ?? [];
    };
    expect(loadParameters(warm.bytes).sides.IMAGE.normalisation).toEqual(
      loadParameters(bytes).sides.IMAGE.normalisation,
    );
    const [before, after] = [codes(bytes), codes(warm.bytes)];
    for (const [i, bias] of before.entries())
      for (const [j, x] of bias.entries()) expect(after[i]?.[j]).toBeCloseTo(x, 4);
  });

  it('resumes from its checkpoints, but not from those of another start', async () => {
    const short = { ...OPTIONS, epochs: 3 };
    const checkpoints: Uint8Array[] = [];
    const onCheckpoint = (bytes: Uint8Array) => void checkpoints.push(bytes.slice());
    const whole = await trainInThisThread(GROWN, short, { warmStart, checkpointEvery: 1, onCheckpoint });
    const resumeFrom = checkpoints[0] ?? new Uint8Array();
    const resumed = await trainInThisThread(GROWN, short, { warmStart, resumeFrom });
    expect(resumed.bytes).toEqual(whole.bytes);
    await expect(trainInThisThread(GROWN, short, { resumeFrom })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('warmStart of the source set differs'),
    });
  });

  it('keeps the classes that it knows, and learns new ones', async () => {
    const fewer = { ...OLD, labels: OLD.labels.map((label) => (label < CLASSES - 1 ? label : -1)) };
    const before = await trainInThisThread(
      { ...fewer, classNames: ALL.classNames.slice(0, -1), classEmbeddings: firstRows(CLASSES - 1) },
      OPTIONS,
    );
    // The new class is the first of the new training set.
    const moved = Int32Array.from({ length: CLASSES }, (_, c) => (c === 0 ? -1 : c - 1));
    const renumbered = { ...GROWN, labels: GROWN.labels.map((label) => (label + 1) % CLASSES) };
    const tensors = tf.memory().numTensors;
    const warm = await trainEncoder(
      renumbered,
      { ...OPTIONS, epochs: 4 },
      { warmStart: { bytes: before.bytes, classes: moved } },
    );
    expect(tf.memory().numTensors).toBe(tensors);
    expect(mapOf(warm)).toBeGreaterThan(mapOf(before) - 0.01);
  });

  it.each([
    [{ imageHidden: [32] }, 'image layers 24 12, not 32 12'],
    [{ members: 2 }, 'networks 1, not 2'],
    [{ ccaSkip: false }, 'image linear path true, not false'],
  ])('is refused for other shapes: %j', async (other, message) => {
    await expect(trainInThisThread(GROWN, { ...OPTIONS, ...other }, { warmStart })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['from'],
      message: expect.stringContaining(message),
    });
  });

  it('is refused for features of another length, and for a file that is no encoder', async () => {
    const swapped = { ...GROWN, image: GROWN.text, text: GROWN.image };
    await expect(trainInThisThread(swapped, OPTIONS, { warmStart })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringContaining('image features 40, not 24'),
    });
    const damaged = { ...warmStart, bytes: warmStart.bytes.slice(0, 100) };
    await expect(trainInThisThread(GROWN, OPTIONS, { warmStart: damaged })).rejects.toMatchObject({
      code: 'BAD_MODEL',
    });
  });
});

function firstRows(count: number) {
  return takeRows(ALL.classEmbeddings, rows(0, count));
}
