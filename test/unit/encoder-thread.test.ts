import { beforeAll, describe, expect, it } from 'vitest';
import { trainEncoder } from '../../src/encoder/training/train-encoder.js';
import { trainInThisThread } from '../../src/encoder/training/trainer.js';
import type { TrainProgress } from '../../src/encoder/types.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { SMALL_TRAINING, syntheticSource } from './encoder-source.js';

beforeAll(async () => {
  await loadTensorBackend();
});

describe('in a worker thread', () => {
  const source = syntheticSource(120, 3, 6);

  it('gives the same bytes as in this thread, and leaves the data to the caller', async () => {
    const progress: TrainProgress[] = [];
    const options = { ...SMALL_TRAINING, epochs: 3, validation: 0 };
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
      { ...SMALL_TRAINING, epochs: 100_000 },
      {
        signal: controller.signal,
        onProgress: (p) => p.kind === 'epoch' && controller.abort(),
      },
    );
    await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
    await expect(trainEncoder(source, SMALL_TRAINING, { signal: controller.signal })).rejects.toMatchObject({
      code: 'CANCELLED',
    });
  });
});
