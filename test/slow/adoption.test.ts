import { mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { loadEncoder } from '../../src/encoder/inference/serialise.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { COLOUR_NAMES, drawShape, shapePairs } from '../factories/shapes.js';
import { ingestShapes, openTestApp, type TestApp } from '../support/app.js';
import { saveOnnx, TINY_CLIP, TINY_SENTENCE } from '../support/tiny-onnx.js';

vi.setConfig({ testTimeout: 120_000 });

let folder: string;
let clip: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-adopt-'));
  clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
});
afterAll(() => rm(folder, { recursive: true }));

let app: TestApp;
beforeEach(async () => {
  app = await openTestApp();
});
afterEach(() => app.close());

const content = (query: SearchRequest['query'], target: 'IMAGE' | 'TEXT'): SearchRequest => ({
  query,
  target,
  by: ['CONTENT'],
  filter: null,
  first: 12,
  after: null,
  minScore: null,
});

async function ingestPictures(): Promise<void> {
  const pairs = await shapePairs();
  await app.ingest.ingest(pairs.map(({ key, png }) => ({ externalId: key, content: { bytes: png } })));
}

/** How many of the first twelve pictures for each colour have it; there are ten of each. */
async function rightColours(): Promise<number[]> {
  const right: number[] = [];
  for (const colour of COLOUR_NAMES) {
    const { results } = await app.search.search(content({ text: `a ${colour} thing` }, 'IMAGE'));
    right.push(results.filter(({ item }) => item.externalId?.includes(colour)).length);
  }
  return right;
}

it('makes searches by content work without a single pair', async () => {
  await ingestPictures();
  const report = await app.training.adopt({ model: clip, activate: true });
  expect(report).toMatchObject({ activated: true, pairs: 0, refusal: null });
  expect(report.notes.join()).toContain('60 images and 0 texts');
  const active = await app.training.active();
  expect(active).toMatchObject({
    state: 'active',
    dimension: 5,
    imageExtractor: expect.stringMatching(/^clip\.image@/),
    textExtractor: expect.stringMatching(/^clip\.text@/),
    config: { alignedShare: 1, preset: 'zero-shot' },
    request: { imageExtractor: clip, textExtractor: clip, adopt: true },
  });
  // Five big and five small pictures have each colour; the small ones are mostly white.
  const right = await rightColours();
  expect(Math.min(...right)).toBeGreaterThanOrEqual(9);
  // New items are read by the model, too, and a class is where its name is.
  await app.ingest.ingest([{ externalId: 'new text', content: { text: 'the green ones' } }]);
  const bytes = await drawShape('ring', 'green', 20);
  const { results } = await app.search.search(content({ bytes }, 'TEXT'));
  expect(results[0]?.item.externalId).toBe('new text');
  await app.classes.create('yellow', null);
  const byClass = await app.search.search(content({ className: 'yellow' }, 'IMAGE'));
  expect(byClass.results[0]?.item.externalId).toContain('yellow');
  expect(app.unexpected).toEqual([]);
});

it('works on an empty catalogue, and gives plain cosines there', async () => {
  const report = await app.training.adopt({ model: clip, activate: true });
  expect(report.activated).toBe(true);
  await ingestPictures();
  const right = await rightColours();
  expect(right[COLOUR_NAMES.indexOf('red')]).toBeGreaterThan(0);
  const encoder = loadEncoder(await app.training.activeWeights());
  const feature = Float32Array.of(0.6, 0, 0.8, 0, 0);
  expect([...encoder.embed('IMAGE', feature)].map((x) => Math.round(x * 1e5) / 1e5)).toEqual([
    0.6, 0, 0.8, 0, 0,
  ]);
});

it('is a version as any other: measured, switched to and back, and missing without its folder', async () => {
  await ingestShapes(app);
  const clipOnly = await app.training.adopt({ model: clip, activate: true });
  // All pairs are held out, because none was trained on.
  const map = clipOnly.evaluation.seen?.methods.find(({ method }) => method === 'masln')?.avg['recall@10'];
  const chance = clipOnly.evaluation.seen?.methods.find(({ method }) => method === 'chance')?.avg[
    'recall@10'
  ];
  expect(clipOnly.evaluation.seen?.images).toBe(60);
  expect(map?.value).toBeGreaterThan(3 * (chance?.value ?? 1));
  const other = await saveOnnx(join(folder, 'other'), {
    ...TINY_CLIP,
    'config.json': { model_type: 'clip', name: 'another' },
  });
  const second = await app.training.adopt({ model: other, activate: false });
  expect(second.activated).toBe(false);
  await app.encoders.activate(second.encoder, { force: true });
  const red = () => app.search.search(content({ text: 'red' }, 'IMAGE'));
  expect((await red()).encoderVersion).toBe(second.encoder);
  await app.encoders.activate(clipOnly.encoder, { force: false });
  expect((await red()).results[0]?.item.externalId).toContain('red');

  await rename(join(folder, 'clip'), join(folder, 'moved'));
  await app.restart();
  await expect(red()).rejects.toMatchObject({ code: 'EXTRACTOR_MISSING' });
  const bytes = await drawShape('ring', 'red');
  await expect(app.search.search(content({ bytes }, 'IMAGE'))).rejects.toMatchObject({
    code: 'EXTRACTOR_MISSING',
  });
  // Items are still stored and found by others; the configuration can name the new path.
  const [stored] = await app.ingest.ingest([{ externalId: 'late', content: { text: 'a blue ring' } }]);
  expect(stored?.status).toBe('CREATED');
  const moved = `onnx:${join(folder, 'moved')}`;
  // The folder's name is part of the id.
  await app.restart({ imageModels: [moved], textModels: [moved] });
  await expect(red()).rejects.toMatchObject({ code: 'EXTRACTOR_MISSING' });
  await rename(join(folder, 'moved'), join(folder, 'clip'));
  await app.restart();
  expect((await red()).results[0]?.item.externalId).toContain('red');
  app.unexpected.splice(0);
});

it('refuses a model without a shared space, and leaves nothing behind', async () => {
  const sentence = await saveOnnx(join(folder, 'sentence'), TINY_SENTENCE);
  const refused = (model: string) =>
    app.training.adopt({ model, activate: true }).then(
      () => null,
      ({ code }) => code,
    );
  expect(await refused(sentence)).toBe('BAD_MODEL');
  expect(await refused('hsv-hog')).toBe('BAD_INPUT');
  expect(await refused(join(folder, 'clip'))).toBe('BAD_INPUT');
  expect(await app.catalog.encoders.list()).toEqual([]);
  // A caller of the API may only name what the configuration has.
  await expect(app.training.enqueueAdoption({ model: clip, activate: true })).rejects.toMatchObject({
    code: 'BAD_INPUT',
    field: ['model'],
  });
});
