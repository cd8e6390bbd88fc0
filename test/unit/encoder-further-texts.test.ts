import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { ccaStatistics } from '../../src/encoder/math/cca.js';
import { covariance } from '../../src/encoder/math/linear-algebra.js';
import { gather, type Matrix, rowOf } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { captionRows, drawRows, textsOf } from '../../src/encoder/training/further-texts.js';
import { textMoments } from '../../src/encoder/training/text-moments.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { SourceSet, TrainOptionsInput } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

const matrix = (rows: number, columns: number, seed: number): Matrix => ({
  data: normals(rows * columns, 1, createRandom(seed)),
  rows,
  columns,
});

/** Two short forms of every pair but each fifth, and a title of each third. */
function withFurtherTexts(source: SourceSet): SourceSet {
  const pairs = source.labels.length;
  const indices = Array.from({ length: pairs }, (_, pair) => pair);
  return {
    ...source,
    furtherTexts: {
      features: matrix(3 * pairs, source.text.columns, 8),
      short: indices.map((pair) => (pair % 5 === 0 ? [] : [2 * pair, 2 * pair + 1])),
      titles: indices.map((pair) => (pair % 3 === 0 ? [2 * pairs + pair] : [])),
    },
  };
}

const OFF: TrainOptionsInput = { ...SMALL_TRAINING, epochs: 3, members: 2, shortTexts: 0, titleTexts: 0 };
const ON: TrainOptionsInput = { ...OFF, shortTexts: 0.5, titleTexts: 0.5 };
const bare = syntheticSource(120, 3, 6);
const source = withFurtherTexts(bare);

beforeAll(async () => {
  await loadTensorBackend();
});

describe('the rows of an epoch', () => {
  const { short, titles } = source.furtherTexts ?? { short: [], titles: [] };
  const draw = (shortTexts: number, titleTexts: number, member = 0, epoch = 1, seed = 0) =>
    drawRows(120, { short, titles }, { shortTexts, titleTexts, seed }, member, epoch);

  it('are the captions alone without further texts, and where the shares are 0', () => {
    const captions = captionRows(Int32Array.from({ length: 120 }, (_, pair) => pair));
    expect(drawRows(120, null, { shortTexts: 1, titleTexts: 1, seed: 0 }, 0, 1)).toEqual(captions);
    expect(draw(0, 0)).toEqual(captions);
  });

  it('have every pair with its caption, and a pair again only with texts of its own', () => {
    const { pairs, texts } = draw(1, 1);
    expect([...texts.subarray(0, 120)].every((text) => text === -1)).toBe(true);
    expect(pairs).toHaveLength(120 + 96 + 40);
    for (let row = 120; row < pairs.length; row += 1) {
      const pair = pairs[row] as number;
      expect([...(short[pair] ?? []), ...(titles[pair] ?? [])]).toContain(texts[row]);
    }
  });

  it('have about the share of the pairs that the options give', () => {
    const again = Array.from({ length: 50 }, (_, epoch) => draw(0.25, 0, 0, epoch).pairs.length - 120);
    const mean = again.reduce((sum, rows) => sum + rows, 0) / again.length;
    expect(mean).toBeGreaterThan(0.2 * 96);
    expect(mean).toBeLessThan(0.3 * 96);
  });

  it('depend on the seed, the network and the epoch alone', () => {
    expect(draw(0.5, 0.5, 1, 7, 3)).toEqual(draw(0.5, 0.5, 1, 7, 3));
    for (const other of [draw(0.5, 0.5, 0, 7, 3), draw(0.5, 0.5, 1, 8, 3), draw(0.5, 0.5, 1, 7, 4)])
      expect(other).not.toEqual(draw(0.5, 0.5, 1, 7, 3));
  });
});

it('the moments for CCA are those of the texts, each repeated as often as it counts', () => {
  const captions = matrix(4, 3, 1);
  const further = { text: matrix(3, 3, 2), short: [[0, 1], [], [1], []], titles: [[2], [], [], []] };
  const { means, scaled } = textMoments(captions, further, { shortTexts: 1, titleTexts: 2 });
  // A pair counts once altogether; 24 rows are enough for all its texts in whole numbers.
  const times: [pair: number, text: number, count: number][] = [
    [0, -1, 6],
    [0, 0, 3],
    [0, 1, 3],
    [0, 2, 12],
    [1, -1, 24],
    [2, -1, 12],
    [2, 1, 12],
    [3, -1, 24],
  ];
  const rows = times.flatMap(([pair, text, count]) =>
    Array.from({ length: count }, () => [pair, text] as const),
  );
  const repeated = textsOf(captions, further, {
    pairs: Int32Array.from(rows, ([pair]) => pair),
    texts: Int32Array.from(rows, ([, text]) => text),
  });
  const image = matrix(4, 2, 5);
  const images = gather(rows.map(([pair]) => rowOf(image, pair)));
  const close = (a: ArrayLike<number>, b: ArrayLike<number>) =>
    Array.from(a).forEach((x, i) => {
      expect(x).toBeCloseTo(b[i] as number, 5);
    });
  close(covariance(scaled, scaled).data, covariance(repeated, repeated).data);
  close(covariance(image, means).data, ccaStatistics(images, repeated).cross.data);
});

describe('a training with further texts', () => {
  const bytes = async (of: SourceSet, options: TrainOptionsInput) =>
    Buffer.from((await trainInThisThread(of, options)).bytes).toString('base64');

  it('is the same as without them where the options are off', async () => {
    expect(await bytes(source, OFF)).toBe(await bytes(bare, OFF));
  });

  it('says that the options have no effect where only features are known', async () => {
    const { notes } = await trainInThisThread(bare, ON);
    expect(notes).toEqual([
      'Only the features of the texts are known: shortTexts and titleTexts had no effect.',
    ]);
  });

  it('uses them, gives the same bytes again and in a worker thread, and leaves no tensors', async () => {
    const tensors = tf.memory().numTensors;
    const on = await bytes(source, ON);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(on).not.toBe(await bytes(source, OFF));
    const there = await trainEncoder(source, ON);
    expect(Buffer.from(there.bytes).toString('base64')).toBe(on);
    expect(source.furtherTexts?.features.data).toHaveLength(3 * 120 * 24);
  });

  it('resumes from every checkpoint with the same bytes', async () => {
    const checkpoints: Uint8Array[] = [];
    const onCheckpoint = (checkpoint: Uint8Array) => void checkpoints.push(checkpoint);
    const options = { ...ON, validation: 0.2, tune: 'pairs' as const };
    const tuned = withFurtherTexts(syntheticSource(250, 3, 6));
    const whole = await trainInThisThread(tuned, options, { checkpointEvery: 1, onCheckpoint });
    expect(whole.notes.join(' ')).toContain('Chosen on held-out pairs');
    expect(checkpoints.length).toBeGreaterThan(4);
    for (const resumeFrom of checkpoints.slice(0, 5)) {
      const resumed = await trainInThisThread(tuned, options, { resumeFrom });
      expect(Buffer.compare(resumed.bytes, whole.bytes)).toBe(0);
    }
    const other = { ...tuned, furtherTexts: null };
    const [resumeFrom] = checkpoints as [Uint8Array];
    await expect(trainInThisThread(other, options, { resumeFrom })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(/furtherTexts of the source set differs$/),
    });
  });

  it.each<[string, Partial<NonNullable<SourceSet['furtherTexts']>>, RegExp]>([
    ['features of another width', { features: matrix(360, 7, 1) }, /7 numbers, but the texts of 24/],
    ['too few lists', { short: [] }, /0 lists of short, but 120 pairs/],
    ['a text that does not exist', { titles: Array.from({ length: 120 }, () => [360]) }, /row 0 of titles/],
    [
      'a number that is not finite',
      { features: { data: new Float32Array(48).fill(Number.NaN), rows: 2, columns: 24 } },
      /furtherTexts/,
    ],
  ])('refuses %s', async (_, changed, message) => {
    const wrong = {
      ...source,
      furtherTexts: { features: matrix(0, 24, 1), short: [], titles: [], ...source.furtherTexts, ...changed },
    };
    await expect(trainInThisThread(wrong, ON)).rejects.toMatchObject({
      code: 'BAD_INPUT',
      message: expect.stringMatching(message),
    });
  });
});
