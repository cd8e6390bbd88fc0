import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Matrix } from '../../src/domain/matrix.js';
import { MANY_PAIRS } from '../../src/encoder/training/scale.js';
import { openSource } from '../../src/encoder/training/stored-source.js';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import type { TrainOptionsInput } from '../../src/encoder/types.js';
import { RowFileWriter } from '../../src/platform/row-file-writer.js';
import { SMALL_TRAINING, syntheticSource } from '../unit/encoder-source.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-rows-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function store(matrix: Matrix, name: string) {
  const writer = new RowFileWriter(join(folder, name), matrix.columns);
  writer.appendSync(matrix);
  return writer.finish();
}

it('trains on many pairs from files, resumes, and leaves only the files it was given', async () => {
  const many = syntheticSource(MANY_PAIRS + 500, 6, 5);
  const stored = {
    ...many,
    image: store(many.image, 'image.rows'),
    text: store(many.text, 'text.rows'),
  };
  expect(openSource(stored).image).not.toHaveProperty('data');
  const checkpoints: Uint8Array[] = [];
  const short: TrainOptionsInput = {
    ...SMALL_TRAINING,
    preset: 'paper',
    weights: { reconstruction: 0, adversary: 0 },
    epochs: 2,
    batchSize: 512,
    validation: 0.01,
  };
  const whole = await trainEncoder(stored, short, {
    checkpointEvery: 1,
    onCheckpoint: (bytes) => void checkpoints.push(bytes.slice()),
  });
  const [first = new Uint8Array()] = checkpoints;
  expect((await trainEncoder(stored, short, { resumeFrom: first })).bytes).toEqual(whole.bytes);
  expect((await readdir(folder)).sort()).toEqual(['image.rows', 'text.rows']);
  expect(whole.validation).toBeGreaterThan(0.3);
}, 120_000);
