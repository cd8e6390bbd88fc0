import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { LineFileWriter } from '../../src/platform/line-file.js';
import { extractFurtherTexts } from '../../src/services/encoders/further-texts.js';
import { type PairFile, pairLine } from '../../src/services/encoders/pair-file.js';
import type { TrainRequest } from '../../src/services/encoders/train-request.js';
import type { TrainingProgress } from '../../src/services/encoders/training-progress.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

/** The captions are sentences, e.g. `a small red circle`; half of them have a title in words, the others a code. */
let app: TestApp;
let folder: string;
let pairs: PairFile;
beforeAll(async () => {
  app = await openTestApp();
  await ingestShapes(app);
  const { image, text } = app.features;
  const found = await app.catalog.vectors.trainingPairs(image.id, text.id);
  const items = await app.catalog.items.byIds(found.map(({ textId }) => textId));
  const outcomes = await app.ingest.ingest(
    items.map((item, i) => ({
      externalId: item.externalId ?? '',
      content: { text: item.modality === 'TEXT' ? item.text : '' },
      pairKey: item.externalId?.replace('.txt', '') ?? '',
      title: i % 2 === 0 ? `drawing ${item.externalId?.split('-').at(1)}` : `IMG_${1000 + i}`,
    })),
  );
  expect(outcomes.filter(({ status }) => status === 'FAILED')).toEqual([]);
  folder = await mkdtemp(join(tmpdir(), 'commonspace-texts-'));
  const writer = await LineFileWriter.create(join(folder, 'pairs'));
  await writer.append(
    (await app.catalog.vectors.trainingPairs(image.id, text.id)).map((pair) => pairLine(pair)),
  );
  pairs = { ...(await writer.finish()), classes: [] };
});
afterAll(async () => {
  await app.close();
  await rm(folder, { recursive: true });
});

const SHORT: TrainRequest = {
  ...QUICK,
  options: { members: 1, shortTexts: 0.5, titleTexts: 0.5, shortForms: 3 },
  force: true,
};
const WANTED = { seed: 3, shortTexts: 0.5, titleTexts: 0.5, shortForms: 3 };

const parts = () => ({ catalog: app.catalog, text: app.features.text, folder });

it('draws short forms and titles of the pairs by the seed, and extracts their features once', async () => {
  const draw = async (seed: number) => {
    const texts = await extractFurtherTexts(parts(), pairs, { ...WANTED, seed });
    return texts && { ...texts, bytes: await readFile(texts.features.file) };
  };
  const drawn = await draw(3);
  expect(await draw(3)).toEqual(drawn);
  expect(await draw(4)).not.toEqual(drawn);
  expect(drawn?.short).toHaveLength(60);
  expect(drawn?.short.every((rows) => rows.length <= 3)).toBe(true);
  expect(drawn?.titles.filter((rows) => rows.length === 1)).toHaveLength(30);
  // "red", "small red" and "drawing red" belong to several pairs.
  const named = [...(drawn?.short ?? []), ...(drawn?.titles ?? [])].flat();
  expect(drawn?.features.rows).toBe(new Set(named).size);
  expect(named.length).toBeGreaterThan(new Set(named).size);
});

it('draws nothing where the options are off, and only what is asked for', async () => {
  expect(await extractFurtherTexts(parts(), pairs, { ...WANTED, shortTexts: 0, titleTexts: 0 })).toBeNull();
  const titles = await extractFurtherTexts(parts(), pairs, { ...WANTED, shortTexts: 0 });
  expect(titles?.short.flat()).toEqual([]);
  const short = await extractFurtherTexts(parts(), pairs, { ...WANTED, titleTexts: 0 });
  expect(short?.titles.flat()).toEqual([]);
});

it('trains on them and reports their extraction', async () => {
  const seen: TrainingProgress[] = [];
  const { encoder } = await app.training.train(SHORT, { onProgress: (event) => seen.push(event) });
  const further = seen.filter((event) => event.stage === 'features' && event.of === 'further texts');
  expect(further.length).toBeGreaterThan(0);
  expect(further.at(-1)).toMatchObject({ failed: 0 });
  const { done, all } = further.at(-1) as { done: number; all: number };
  expect(done).toBe(all);
  expect((await app.encoders.byId(encoder))?.config).toMatchObject({ shortTexts: 0.5, shortForms: 3 });
});

it('is cancelled while they are extracted', async () => {
  const cancellation = new AbortController();
  const training = app.training.train(
    { ...SHORT, seed: 2 },
    {
      signal: cancellation.signal,
      onProgress: (event) => {
        if (event.stage === 'features') cancellation.abort();
      },
    },
  );
  await expect(training).rejects.toMatchObject({ code: 'CANCELLED' });
});

it('gives the same weights when resumed as without interruption', async () => {
  const weights = async (id: string) =>
    Buffer.from(await app.catalog.encoders.weights(id)).toString('base64');
  const request = { ...SHORT, seed: 5, epochs: 8 };
  const whole = await app.training.train(request);
  const cancellation = new AbortController();
  let id = '';
  const interrupted = app.training.train(request, {
    signal: cancellation.signal,
    onStart: (encoder) => {
      id = encoder;
    },
    onProgress: (event) => {
      if (event.stage !== 'train' || event.progress.kind !== 'epoch') return;
      // After the first checkpoint.
      if (event.progress.epoch === 6) cancellation.abort();
    },
  });
  await expect(interrupted).rejects.toMatchObject({ code: 'CANCELLED' });
  const epochs: number[] = [];
  await app.training.resumeHere(id, {
    onProgress: (event) => {
      if (event.stage === 'train' && event.progress.kind === 'epoch') epochs.push(event.progress.epoch);
    },
  });
  expect(epochs[0]).toBe(6);
  expect(await weights(id)).toBe(await weights(whole.encoder));
});
