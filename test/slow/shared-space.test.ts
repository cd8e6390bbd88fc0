import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { gather, type Matrix } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { ingestShapes, openTestApp, QUICK } from '../support/app.js';
import { saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

vi.setConfig({ testTimeout: 300_000 });

function noise(rows: number, columns: number, seed: number): Matrix {
  const random = createRandom(seed);
  return gather(
    Array.from({ length: rows }, () => Float32Array.from({ length: columns }, () => random.normal())),
    columns,
  );
}

it('shortens wide features only where there are rows enough to choose directions', async () => {
  await loadTensorBackend();
  const few = fitSharedNormalisation(noise(20, 520, 1), noise(20, 520, 2), 0);
  expect(few.IMAGE.basis.columns).toBe(520);
  const many = fitSharedNormalisation(noise(1100, 520, 1), noise(1100, 520, 2), 0);
  expect(many.IMAGE.basis.columns).toBe(512);
});

it('keeps an adopted model as it is where a training has too few pairs to improve on it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-shared-'));
  const clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  const app = await openTestApp();
  try {
    await ingestShapes(app);
    const adopted = await app.training.adopt({ model: clip, activate: true });
    const trained = await app.training.train({
      ...QUICK,
      imageExtractor: clip,
      textExtractor: clip,
      activate: true,
    });
    expect(trained.notes.join()).toContain('as it is, without training');
    // Both are the same space, so the gate has no reason to refuse.
    expect(trained).toMatchObject({ activated: true, refusal: null });
    const row = await app.training.active();
    expect(row).toMatchObject({
      dimension: 5,
      config: { alignedShare: 1, space: expect.stringMatching(/^clip@/) },
    });
    const [before, after] = [adopted, trained].map(
      ({ evaluation }) =>
        evaluation.seen?.methods.find(({ method }) => method === 'masln')?.avg['recall@10']?.value,
    );
    expect(before).toBeGreaterThan(0.5);
    expect(after).toBeGreaterThanOrEqual(before as number);
    await expect(app.training.train({ ...QUICK, from: adopted.encoder })).rejects.toMatchObject({
      code: 'BAD_INPUT',
      field: ['from'],
    });
  } finally {
    await app.close();
    await rm(folder, { recursive: true });
  }
});
