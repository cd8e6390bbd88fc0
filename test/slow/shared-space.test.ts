import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, it, vi } from 'vitest';
import { gather, type Matrix } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { fitSharedNormalisation } from '../../src/encoder/training/shared-normalisation.js';
import { createApp, listen } from '../../src/http/app.js';
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
    expect(trained.notes.join()).toMatch(/none is used.* text side/);
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

it('is adopted through the API if the configuration names it for both modalities', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-shared-'));
  const clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  const app = await openTestApp('embedded', { imageModels: [clip], textModels: [clip] });
  const http = await createApp({
    services: app,
    logger: pino({ level: 'silent' }),
    apiKeys: [],
    loopback: true,
  });
  const adopt = async (model: string) => {
    const query = `mutation ($model: String!) { adoptEncoder(input: { model: $model }) {
      encoder { id state imageExtractor } errors { code field } } }`;
    const response = await fetch(`${address}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables: { model } }),
    });
    return (await response.json()) as { data: { adoptEncoder: { encoder: { id: string } | null } } };
  };
  const address = await listen(http, '127.0.0.1', 0);
  try {
    await ingestShapes(app);
    expect((await adopt('hf:org/other')).data.adoptEncoder).toEqual({
      encoder: null,
      errors: [{ code: 'BAD_INPUT', field: ['input', 'model'] }],
    });
    const { adoptEncoder } = (await adopt(clip)).data;
    expect(adoptEncoder).toMatchObject({
      encoder: { state: 'QUEUED', imageExtractor: expect.stringMatching(/^clip\.image@/) },
      errors: [],
    });
    app.trainingRunner.start();
    await vi.waitFor(async () => expect((await app.training.active())?.id).toBe(adoptEncoder.encoder?.id), {
      timeout: 60_000,
      interval: 200,
    });
    const active = await app.training.active();
    expect(await app.catalog.items.countWithoutFeature(active?.imageExtractor ?? '', 'IMAGE')).toBe(0);
  } finally {
    await http.close();
    await app.close();
    await rm(folder, { recursive: true });
  }
});
