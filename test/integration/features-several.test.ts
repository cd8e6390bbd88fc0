import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { ImageTask } from '../../src/features/extractor-tasks.js';
import type { FeatureExtractors, OpenImageExtractor, Pixels } from '../../src/features/types.js';
import { workerEntry } from '../../src/platform/worker-entry.js';
import { saveTinyModel } from '../support/tiny-model.js';

/** A picture of one colour in the size that an extractor wants. */
function plain({ input: { width, height } }: OpenImageExtractor, rgb: readonly number[]): Pixels {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => rgb[i % 3] ?? 0);
  return { data, width, height };
}
const ORANGE = [255, 128, 0];

let features: FeatureExtractors;
let folder: string;
beforeAll(async () => {
  features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
});
afterAll(() => features.close());
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-model-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('several image extractors', () => {
  it('work concurrently, each with its own features', async () => {
    const one = await features.openImage(await saveTinyModel(join(folder, 'a'), { name: 'a' }));
    const two = await features.openImage(
      await saveTinyModel(join(folder, 'b'), { name: 'b', weights: [1, 2, 3] }),
    );
    expect(one.id).toMatch(/^a@1-[0-9a-f]{8}$/);
    expect(two.id).toMatch(/^b@1-/);
    const all = [features.image, one, two];
    const extract = () => Promise.all(all.map((of) => of.extract(Array<Pixels>(9).fill(plain(of, ORANGE)))));
    const found = await extract();
    found.forEach((rows, i) => {
      expect(rows).toHaveLength(9);
      expect(rows[0]).toHaveLength(all[i]?.dimension ?? 0);
    });
    expect(found[1]?.[0]).not.toEqual(found[2]?.[0]);
    // A closed extractor that is still referenced is loaded again, and gives the same features.
    features.closeBut('IMAGE', new Set());
    expect(await extract()).toEqual(found);
    const background = await one.extract([plain(one, ORANGE)], { background: true });
    expect(background[0]).toEqual(found[1]?.[0]);
  });

  it('are opened again by their names', async () => {
    const named = await features.openImage(await saveTinyModel(join(folder, 'a')));
    expect(named.name).toBe(`dir:${join(folder, 'a')}#${join(folder, 'a', 'commonspace-model.json')}`);
    expect((await features.openImage(named.name)).id).toBe(named.id);
    expect(features.image.name).toBe('hsv-hog@1');
    expect((await features.openImage('hsv-hog@1')).id).toBe('hsv-hog@1');
    expect(await features.openImage('default')).toMatchObject({ name: 'mobilenet-mid+hsv-hog@1' });
    await expect(features.openImage('hsv-hog@2')).rejects.toMatchObject({ code: 'BAD_CONFIG' });
    await expect(features.openImage(`dir:${folder}/none`)).rejects.toMatchObject({ code: 'BAD_MODEL' });
  });

  it('refuse a model that has changed since it was opened', async () => {
    const name = await saveTinyModel(join(folder, 'a'));
    const opened = await features.openImage(name);
    await saveTinyModel(join(folder, 'a'), { weights: [9, 9, 9] });
    // One picture is a query, whose thread has not loaded the model yet.
    await expect(opened.extract([plain(opened, ORANGE)])).rejects.toMatchObject({ code: 'BAD_MODEL' });
    const again = await features.openImage(name);
    expect(again.id).not.toBe(opened.id);
    expect(await again.extract([plain(again, ORANGE)])).toHaveLength(1);
  });

  it('leave no tensor in a thread after they are closed', async () => {
    const src = new URL('../../src/features/extractor.worker.ts', import.meta.url).href;
    const thread = new Piscina({ filename: workerEntry(src, 'extractor.worker'), maxThreads: 1 });
    const opened = await Promise.all(
      ['a', 'b'].map(async (name) => features.openImage(await saveTinyModel(join(folder, name), { name }))),
    );
    const [one, two] = opened as [OpenImageExtractor, OpenImageExtractor];
    const tensorsAfter = async (
      { id, name, ...of }: OpenImageExtractor,
      open: readonly OpenImageExtractor[],
    ) => {
      const images = [plain({ id, name, ...of }, ORANGE)];
      const task: ImageTask = { id, name, images, open: open.map((each) => each.id) };
      const reply = await thread.run(task, { name: 'extractImages' });
      expect(reply).toHaveProperty('value');
      return (await thread.run(undefined, { name: 'tensorCount' })).value as number;
    };
    try {
      const alone = await tensorsAfter(one, [one]);
      const both = await tensorsAfter(two, [one, two]);
      expect(both).toBeGreaterThan(alone);
      expect(await tensorsAfter(two, [two])).toBe(alone);
      expect(await tensorsAfter(one, [])).toBe(alone);
    } finally {
      await thread.destroy();
    }
  });
});
