import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { ImageTask } from '../../src/features/extractor-tasks.js';
import type { FeatureExtractors, OpenImageExtractor } from '../../src/features/types.js';
import { workerEntry } from '../../src/platform/worker-entry.js';
import { largeVision, saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

let folder: string;
let features: FeatureExtractors;
let thread: Piscina;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-sessions-'));
  features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
  const src = new URL('../../src/features/extractor.worker.ts', import.meta.url).href;
  thread = new Piscina({ filename: workerEntry(src, 'extractor.worker'), maxThreads: 1 });
});
afterEach(async () => {
  await thread.destroy();
  await features.close();
  await rm(folder, { recursive: true });
});

/** Extracts a picture in the thread, while these extractors are open. @returns the reply */
async function extract(
  { id, name, input: { width, height } }: OpenImageExtractor,
  open: readonly OpenImageExtractor[],
): Promise<{ readonly value?: unknown; readonly failure?: { readonly code: string } }> {
  const images = [{ data: new Uint8Array(width * height * 3).fill(90), width, height }];
  const task: ImageTask = { id, name, images, open: open.map((each) => each.id) };
  return await thread.run(task, { name: 'extractImages' });
}

async function graphs(): Promise<number> {
  return (await thread.run(undefined, { name: 'graphCount' })).value;
}

it('release a graph when its extractor is closed or replaced, or cannot be used', async () => {
  const names = await Promise.all(
    ['a', 'b'].map((name) => saveOnnx(join(folder, name), { ...TINY_CLIP, 'config.json': { name } })),
  );
  const [a, b] = (await Promise.all(names.map((name) => features.openImage(name)))) as [
    OpenImageExtractor,
    OpenImageExtractor,
  ];
  const after = async (of: OpenImageExtractor, open: readonly OpenImageExtractor[]) => {
    expect(await extract(of, open)).toHaveProperty('value');
    return await graphs();
  };
  expect(await after(a, [a])).toBe(1);
  expect(await after(a, [a])).toBe(1);
  expect(await after(b, [a, b])).toBe(2);
  expect(await after(b, [b])).toBe(1);
  // A task of a built-in extractor, after a switch back to it.
  expect(await after(features.image, [features.image])).toBe(0);
  // The folder has other files now, so what it was opened as does not exist.
  await saveOnnx(join(folder, 'a'), { 'config.json': { name: 'changed' } });
  expect(await extract(a, [a])).toMatchObject({ failure: { code: 'BAD_MODEL' } });
  expect(await graphs()).toBe(0);
  await saveOnnx(join(folder, 'b'), { 'onnx/vision_model.onnx': Buffer.from('no graph') });
  expect(await extract(b, [b])).toMatchObject({ failure: { code: 'BAD_MODEL' } });
  expect(await graphs()).toBe(0);
});

it('keep the memory of one large model at most, however often it is loaded', async () => {
  const layers = 12;
  const megabytes = 4 * layers;
  const name = await saveOnnx(join(folder, 'large'), { ...TINY_CLIP, ...largeVision(layers) });
  const large = await features.openImage(name);
  const resident = () => process.memoryUsage.rss() / 2 ** 20;
  const before = resident();
  const whileLoaded: number[] = [];
  for (let time = 0; time < 4; time += 1) {
    expect(await extract(large, [large])).toHaveProperty('value');
    whileLoaded.push(resident());
    expect(await extract(features.image, [features.image])).toHaveProperty('value');
  }
  const [first = 0, ...later] = whileLoaded;
  expect(first - before).toBeGreaterThan(0.8 * megabytes);
  // What the allocator keeps is used again; three models that were not released would take three times as much.
  expect(Math.max(...later) - first).toBeLessThan(megabytes);
});
