import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { FeatureExtractors, Pixels } from '../../src/features/types.js';
import { ModelService } from '../../src/services/evaluate/model-service.js';
import {
  saveOnnx,
  TINY_BIAS,
  TINY_CLIP,
  TINY_DINO,
  TINY_PROJECTION,
  TINY_SENTENCE,
  TINY_SIZE,
  TINY_TABLE,
  TINY_WORDS,
} from '../support/tiny-onnx.js';

let folder: string;
let features: FeatureExtractors;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-onnx-'));
  features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
});
afterAll(async () => {
  await features.close();
  await rm(folder, { recursive: true });
});

function unit(vector: readonly number[]): number[] {
  const length = Math.hypot(...vector);
  return vector.map((x) => x / length);
}

/** The projection of three numbers, and the bias of the modality. */
function projected(three: readonly number[], modality: 'IMAGE' | 'TEXT'): number[] {
  return unit(
    TINY_BIAS[modality].map(
      (bias, k) => bias + three.reduce((sum, x, i) => sum + x * (TINY_PROJECTION[i]?.[k] ?? 0), 0),
    ),
  );
}

const vectorsOf = (words: readonly string[]) =>
  words.map((word) => TINY_TABLE[TINY_WORDS.indexOf(word)] as readonly number[]);
const sumOf = (vectors: readonly (readonly number[])[]) =>
  [0, 1, 2].map((k) => vectors.reduce((sum, vector) => sum + (vector[k] ?? 0), 0));

function closeTo(feature: Float32Array | undefined, expected: readonly number[]): void {
  expect(feature).toHaveLength(expected.length);
  expected.forEach((x, i) => {
    expect(feature?.[i]).toBeCloseTo(x, 5);
  });
}

/** Pixels with a value for each channel, x and y. */
function pixels(size: number, value: (channel: number, x: number, y: number) => number): Pixels {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) =>
    value(i % 3, Math.floor(i / 3) % size, Math.floor(i / 3 / size)),
  );
  return { data, width: size, height: size };
}

describe('a model of two towers', () => {
  it('gives the features that plain arithmetic gives, in one space', async () => {
    const name = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
    const [image, text] = await Promise.all([features.openImage(name), features.openText(name)]);
    expect(image).toMatchObject({
      id: expect.stringMatching(/^clip\.image@[0-9a-f]{12}$/),
      name,
      dimension: 5,
      input: { width: TINY_SIZE, height: TINY_SIZE, fit: 'cover', kernel: 'cubic' },
    });
    expect(text).toMatchObject({
      id: expect.stringMatching(/^clip\.text@[0-9a-f]{12}$/),
      name,
      dimension: 5,
      space: image.space,
    });
    expect(image.space).toBe(image.id.replace('.image', ''));
    const [red, mixed] = await image.extract([
      pixels(TINY_SIZE, (c) => [214, 40, 40][c] as number),
      pixels(TINY_SIZE, (c, x, y) => (c * 40 + x * 3 + y) % 256),
    ]);
    closeTo(red, projected([214 / 255 - 1, 40 / 255 - 1, 40 / 255 - 1], 'IMAGE'));
    const means = [0, 1, 2].map((c) => {
      let sum = 0;
      for (let y = 0; y < TINY_SIZE; y += 1)
        for (let x = 0; x < TINY_SIZE; x += 1) sum += ((c * 40 + x * 3 + y) % 256) / 255 - 1;
      return sum / TINY_SIZE ** 2;
    });
    closeTo(mixed, projected(means, 'IMAGE'));
    const texts = ['A red circle', 'reds', 'unknown words, the blue ones'];
    const extracted = await text.extract(texts);
    closeTo(extracted[0], projected(sumOf(vectorsOf(['[CLS]', 'a', 'red', 'circle', '[SEP]'])), 'TEXT'));
    closeTo(extracted[1], projected(sumOf(vectorsOf(['[CLS]', 'red', '##s', '[SEP]'])), 'TEXT'));
    const third = ['[CLS]', '[UNK]', '[UNK]', ',', 'the', 'blue', '[UNK]', '[SEP]'];
    closeTo(extracted[2], projected(sumOf(vectorsOf(third)), 'TEXT'));
    // Independent of the batching.
    expect(await Promise.all(texts.map(async (one) => (await text.extract([one]))[0]))).toEqual(extracted);
  });

  it('cuts long texts and keeps the separator, and reads an empty one', async () => {
    const text = await features.openText(await saveOnnx(join(folder, 'clip'), TINY_CLIP));
    const [long, spaces] = await text.extract(['red '.repeat(100), ' ']);
    const kept = ['[CLS]', ...new Array<string>(10).fill('red'), '[SEP]'];
    closeTo(long, projected(sumOf(vectorsOf(kept)), 'TEXT'));
    closeTo(spaces, projected(sumOf(vectorsOf(['[CLS]', '[SEP]'])), 'TEXT'));
  });

  it('has another id if any file changes, and refuses to run a changed model under the old id', async () => {
    const files = { ...TINY_CLIP };
    const name = await saveOnnx(join(folder, 'changing'), files);
    const before = await features.openImage(name);
    await saveOnnx(join(folder, 'changing'), {
      'preprocessor_config.json': {
        ...(TINY_CLIP['preprocessor_config.json'] as object),
        image_mean: [0, 0, 0],
      },
    });
    const after = await features.openImage(name);
    expect(after.id).not.toBe(before.id);
    expect(after.space).not.toBe(before.space);
    // Opening again has loaded the changed model; the thread for queries has not loaded it yet.
    await expect(before.extract([pixels(TINY_SIZE, () => 9)])).rejects.toMatchObject({ code: 'BAD_MODEL' });
  });
});

describe('models of one modality', () => {
  it('pools a sentence encoder as its files say', async () => {
    const mean = await features.openText(await saveOnnx(join(folder, 'sentence'), TINY_SENTENCE));
    const tokens = vectorsOf(['[CLS]', 'green', 'ring', '[SEP]']);
    expect(mean.space).toBeNull();
    closeTo((await mean.extract(['green ring']))[0], unit(sumOf(tokens)));
    const cls = await features.openText(
      await saveOnnx(join(folder, 'sentence-cls'), {
        ...TINY_SENTENCE,
        '1_Pooling/config.json': { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false },
      }),
    );
    closeTo((await cls.extract(['green ring']))[0], unit(tokens[0] ?? []));
    await expect(
      features.openText(
        await saveOnnx(join(folder, 'sentence-odd'), {
          ...TINY_SENTENCE,
          '1_Pooling/config.json': { pooling_mode_weightedmean_tokens: true },
        }),
      ),
    ).rejects.toMatchObject({
      code: 'BAD_MODEL',
      field: ['1_Pooling/config.json', 'pooling_mode_weightedmean_tokens'],
    });
  });

  it('puts the declared prompt before every text', async () => {
    const prompted = await features.openText(
      await saveOnnx(join(folder, 'prompted'), {
        ...TINY_SENTENCE,
        'config_sentence_transformers.json': { prompts: { find: 'the ' }, default_prompt_name: 'find' },
      }),
    );
    closeTo((await prompted.extract(['blue']))[0], unit(sumOf(vectorsOf(['[CLS]', 'the', 'blue', '[SEP]']))));
  });

  it('reads the class token of an image model, from the middle of a larger picture', async () => {
    const image = await features.openImage(await saveOnnx(join(folder, 'dino'), TINY_DINO));
    expect(image).toMatchObject({
      dimension: 3,
      input: { width: 40, height: 40, fit: 'cover' },
      space: null,
    });
    const value = (c: number, x: number, y: number) => (c * 70 + x * 5 + y * 2) % 256;
    const [feature] = await image.extract([pixels(40, value)]);
    const means = [0, 1, 2].map((c) => {
      let sum = 0;
      for (let y = 4; y < 36; y += 1) for (let x = 4; x < 36; x += 1) sum += value(c, x, y);
      return (sum / 32 ** 2 / 255 - ([0.4, 0.5, 0.6][c] as number)) / ([0.2, 0.25, 0.5][c] as number);
    });
    closeTo(feature, unit(means));
  });
});

it('says what models can extract, and lists those that are configured', async () => {
  const clip = await saveOnnx(join(folder, 'clip'), TINY_CLIP);
  const sentence = await saveOnnx(join(folder, 'sentence'), TINY_SENTENCE);
  expect(await features.modalitiesOf(clip)).toEqual(['IMAGE', 'TEXT']);
  expect(await features.modalitiesOf(sentence)).toEqual(['TEXT']);
  expect(await features.modalitiesOf('hsv-hog')).toEqual(['IMAGE']);
  expect(await features.modalitiesOf('default')).toEqual(['IMAGE', 'TEXT']);
  await expect(features.modalitiesOf('nothing')).rejects.toMatchObject({ code: 'BAD_CONFIG' });
  const listed = new ModelService(features, { images: ['default', clip], texts: [sentence] }).list();
  const one = (name: string) => listed.filter((model) => model.name === name);
  expect(one('hsv-hog')).toMatchObject([{ from: 'built-in', inUse: ['images'] }]);
  expect(one('default').map(({ inUse }) => inUse)).toEqual([[], ['texts']]);
  expect(one(clip)).toEqual([{ name: clip, images: true, texts: false, from: 'configuration', inUse: [] }]);
  expect(one('hf:Xenova/dinov2-small')).toMatchObject([{ from: 'known', images: true, texts: false }]);
});
