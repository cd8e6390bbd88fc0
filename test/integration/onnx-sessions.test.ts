import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { FeatureExtractors, OpenImageExtractor } from '../../src/features/types.js';
import { ExtractorThread } from '../support/extractor-thread.js';
import { saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

let folder: string;
let features: FeatureExtractors;
let thread: ExtractorThread;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-sessions-'));
  features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
  thread = new ExtractorThread();
});
afterEach(async () => {
  await thread.close();
  await features.close();
  await rm(folder, { recursive: true });
});

it('release a graph when its extractor is closed or replaced, or cannot be used', async () => {
  const names = await Promise.all(
    ['a', 'b'].map((name) => saveOnnx(join(folder, name), { ...TINY_CLIP, 'config.json': { name } })),
  );
  const [a, b] = (await Promise.all(names.map((name) => features.openImage(name)))) as [
    OpenImageExtractor,
    OpenImageExtractor,
  ];
  const after = async (of: OpenImageExtractor, open: readonly OpenImageExtractor[]) => {
    expect(await thread.extract(of, open)).toHaveProperty('value');
    return await thread.graphs();
  };
  expect(await after(a, [a])).toBe(1);
  expect(await after(a, [a])).toBe(1);
  expect(await after(b, [a, b])).toBe(2);
  expect(await after(b, [b])).toBe(1);
  // A task of a built-in extractor, after a switch back to it.
  expect(await after(features.image, [features.image])).toBe(0);
  // The folder has other files now, so what it was opened as does not exist.
  await saveOnnx(join(folder, 'a'), { 'config.json': { name: 'changed' } });
  expect(await thread.extract(a, [a])).toMatchObject({ failure: { code: 'BAD_MODEL' } });
  expect(await thread.graphs()).toBe(0);
  await saveOnnx(join(folder, 'b'), { 'onnx/vision_model.onnx': Buffer.from('no graph') });
  expect(await thread.extract(b, [b])).toMatchObject({ failure: { code: 'BAD_MODEL' } });
  expect(await thread.graphs()).toBe(0);
});
