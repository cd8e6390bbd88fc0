import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeCheckpoint, encodeCheckpoint } from '../../src/encoder/training/checkpoint.js';
import { readCheckpoint, writeCheckpoint } from '../../src/encoder/training/checkpoint-file.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import type { TrainHooks } from '../../src/encoder/training/train-hooks.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { SourceSet, TrainedEncoder, TrainOptionsInput } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { syntheticSource } from '../unit/encoder-source.js';

/** Two networks, a CCA branch, linear paths, early stopping, and all options that draw random numbers. */
const OPTIONS: TrainOptionsInput = {
  dimension: 8,
  imageHidden: [16],
  textHidden: [12],
  batchSize: 48,
  epochs: 5,
  members: 2,
  ccaDimension: 4,
  ccaShare: 0.4,
  tune: 'none',
  ccaSkip: true,
  inputNoise: 0.1,
  mixup: 0.3,
  patience: 2,
  learningRate: 0.02,
  weights: { adversary: 0.2, reconstruction: 0.01 },
};
const source = syntheticSource(160, 4, 9);

/** A complete training with a checkpoint after every epoch and every network. */
async function withCheckpoints(options: TrainOptionsInput, hooks: TrainHooks = {}) {
  const checkpoints: Uint8Array[] = [];
  const onCheckpoint = (bytes: Uint8Array) => void checkpoints.push(bytes);
  const trained = await trainInThisThread(source, options, { checkpointEvery: 1, onCheckpoint, ...hooks });
  return { trained, checkpoints };
}

const comparable = ({ seconds: _, bytes, ...rest }: TrainedEncoder) => ({
  ...rest,
  bytes: Buffer.from(bytes).toString('base64'),
});

let whole: TrainedEncoder;
let checkpoints: Uint8Array[];
beforeAll(async () => {
  await loadTensorBackend();
  ({ trained: whole, checkpoints } = await withCheckpoints(OPTIONS));
});

describe('a checkpoint', () => {
  it('is taken after each epoch and after each network', () => {
    const positions = checkpoints.map((bytes) => {
      const { finished, current } = decodeCheckpoint(bytes);
      return [finished.length, current?.epoch ?? 0];
    });
    const [first, second, third] = [0, 1, 2].map(
      (member) => whole.history.filter((e) => e.member === member).length,
    );
    const inside = (member: number, epochs = 0) =>
      Array.from({ length: epochs - 1 }, (_, i) => [member, i + 1]);
    // The first network chooses the number of epochs and is not part of the encoder.
    const chosen = [...inside(0, first), [0, 0]];
    expect(positions).toEqual([...chosen, ...inside(0, second), [1, 0], ...inside(1, third), [2, 0]]);
    expect([second, third]).toEqual([whole.bestEpoch, whole.bestEpoch]);
    expect(first).toBeGreaterThan(2);
  });

  it('gives the same bytes as an uninterrupted training, wherever it is resumed', async () => {
    for (const resumeFrom of checkpoints) {
      expect(comparable(await trainInThisThread(source, OPTIONS, { resumeFrom }))).toEqual(comparable(whole));
    }
  });

  it('does not depend on the checkpoint interval, nor on an earlier resume', async () => {
    const resumed = await withCheckpoints(OPTIONS, { resumeFrom: checkpoints[0] as Uint8Array });
    const same = (bytes: Uint8Array | undefined) => {
      const { seconds: _, ...rest } = decodeCheckpoint(bytes ?? new Uint8Array());
      return rest;
    };
    expect(resumed.checkpoints.map(same)).toEqual(checkpoints.slice(1).map(same));
    expect(comparable(await trainInThisThread(source, OPTIONS))).toEqual(comparable(whole));
  });

  it('gives the same bytes for the paper preset', async () => {
    const options: TrainOptionsInput = { ...OPTIONS, preset: 'paper', members: 1, ccaShare: 0, epochs: 3 };
    const paper = await withCheckpoints(options);
    for (const resumeFrom of paper.checkpoints.slice(0, 2)) {
      const again = await trainInThisThread(source, options, { resumeFrom });
      expect(comparable(again)).toEqual(comparable(paper.trained));
    }
  });

  it.each<[string, TrainOptionsInput, (s: SourceSet) => SourceSet, RegExp]>([
    ['another option', { dropout: 0.2 }, (s) => s, /option dropout was 0\.5 and is 0\.2/],
    [
      'another weight',
      { weights: { semantics: 3 } },
      (s) => s,
      /option weights\.semantics was 0\.5 and is 3/,
    ],
    ['another seed', { seed: 1 }, (s) => s, /option seed was 0 and is 1/],
    [
      'other features',
      {},
      (s) => ({ ...s, text: { ...s.text, data: s.text.data.map((x, i) => (i === 7 ? x + 1e-3 : x)) } }),
      /text of the source set differs$/,
    ],
    [
      'other labels',
      {},
      (s) => ({ ...s, labels: s.labels.map((x, i) => (i === 3 ? -1 : x)) }),
      /labels of the source set differs$/,
    ],
  ])('is refused with %s, naming the difference', async (_, changed, change, message) => {
    const resumeFrom = checkpoints[1] as Uint8Array;
    const options = { ...OPTIONS, ...changed, weights: { ...OPTIONS.weights, ...changed.weights } };
    await expect(trainInThisThread(change(source), options, { resumeFrom })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message),
    });
  });

  it('is refused if it is truncated, altered, or not a checkpoint', async () => {
    const bytes = checkpoints[1] as Uint8Array;
    const altered = bytes.slice();
    altered[altered.length - 5] = (altered.at(-5) ?? 0) ^ 1;
    const { current, ...rest } = decodeCheckpoint(bytes);
    const lacking = current && encodeCheckpoint({ ...rest, current: { ...current, arrays: new Map() } });
    const tensors = tf.memory().numTensors;
    for (const resumeFrom of [bytes.slice(0, -4), bytes.slice(0, 50), altered, whole.bytes, lacking]) {
      const resumed = trainInThisThread(source, OPTIONS, { resumeFrom: resumeFrom ?? new Uint8Array() });
      await expect(resumed).rejects.toMatchObject({ code: 'BAD_MODEL' });
      expect(tf.memory().numTensors).toBe(tensors);
    }
  });

  it('fails the training if storing it fails', async () => {
    const onCheckpoint = () => Promise.reject(new Error('the disk is full'));
    for (const train of [trainInThisThread, trainEncoder]) {
      await expect(train(source, OPTIONS, { onCheckpoint })).rejects.toThrow('the disk is full');
    }
  });
});

describe('a checkpoint file', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'checkpoint-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('resumes a training whose thread was terminated', async () => {
    const file = join(folder, 'one');
    const controller = new AbortController();
    let kept = 0;
    const stopped = trainEncoder(source, OPTIONS, {
      signal: controller.signal,
      checkpointEvery: 1,
      onCheckpoint: async (bytes) => {
        await writeCheckpoint(file, bytes);
        kept += 1;
        if (kept === 2) controller.abort();
      },
    });
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    expect(await readdir(folder)).toEqual(['one']);
    const resumeFrom = await readCheckpoint(file);
    expect(decodeCheckpoint(resumeFrom ?? new Uint8Array()).current?.epoch).toBe(2);
    const resumed = await trainEncoder(source, OPTIONS, { ...(resumeFrom && { resumeFrom }) });
    expect(comparable(resumed)).toEqual(comparable(whole));
  });

  it('is named in the error if it is damaged, and is null if it does not exist', async () => {
    const file = join(folder, 'two');
    expect(await readCheckpoint(file)).toBeNull();
    const bytes = await readFile(join(folder, 'one'));
    await writeFile(file, bytes.subarray(0, bytes.length / 2));
    await expect(readCheckpoint(file)).rejects.toMatchObject({
      code: 'BAD_MODEL',
      message: expect.stringContaining(file),
    });
  });

  it('is unchanged if a new one cannot be written', async () => {
    await expect(writeCheckpoint(join(folder, 'none', 'such'), new Uint8Array(3))).rejects.toThrow(/ENOENT/);
    // A file cannot be renamed to the path of a folder.
    const before = await readdir(folder);
    await expect(writeCheckpoint(folder, new Uint8Array(3))).rejects.toThrow();
    expect(await readdir(folder)).toEqual(before);
  });
});
