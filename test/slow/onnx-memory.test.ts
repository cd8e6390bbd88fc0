import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import { ExtractorThread } from '../support/extractor-thread.js';
import { largeVision, saveOnnx, TINY_CLIP } from '../support/tiny-onnx.js';

// Slow tests have a process for each file, so what other tests allocate and free does not count.
it('keeps the memory of one large model at most, however often it is loaded', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'commonspace-memory-'));
  const features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
  const thread = new ExtractorThread();
  try {
    const layers = 12;
    const megabytes = 4 * layers;
    const name = await saveOnnx(join(folder, 'large'), { ...TINY_CLIP, ...largeVision(layers) });
    const large = await features.openImage(name);
    const resident = () => process.memoryUsage.rss() / 2 ** 20;
    const before = resident();
    const whileLoaded: number[] = [];
    for (let time = 0; time < 4; time += 1) {
      expect(await thread.extract(large, [large])).toHaveProperty('value');
      whileLoaded.push(resident());
      expect(await thread.extract(features.image, [features.image])).toHaveProperty('value');
    }
    const [first = 0, ...later] = whileLoaded;
    expect(first - before).toBeGreaterThan(0.8 * megabytes);
    // What the allocator keeps is used again; three models that were not released would take three times as much.
    expect(Math.max(...later) - first).toBeLessThan(megabytes);
  } finally {
    await thread.close();
    await features.close();
    await rm(folder, { recursive: true });
  }
});
