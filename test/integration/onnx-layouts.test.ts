import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFeatureExtractors } from '../../src/features/create-feature-extractors.js';
import type { FeatureExtractors, OpenImageExtractor } from '../../src/features/types.js';
import { decodeRgb } from '../../src/media/decode.js';
import { CLIP_FIXED, CLIP_LAYOUT, CLIP_LENGTH, CLIP_MEAN, CLIP_STD } from '../support/clip-layout.js';
import { LAYOUT_WIDTH, VISION_WEIGHTS } from '../support/layout-parts.js';
import { SIGLIP_LAYOUT, SIGLIP_LENGTH, SIGLIP_PIECES, SIGLIP_TABLE } from '../support/siglip-layout.js';
import { saveOnnx } from '../support/tiny-onnx.js';

let folder: string;
let features: FeatureExtractors;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-layouts-'));
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

/** @param digits after the point; resampling and 8 bits a channel move the features of pictures a little */
function closeTo(feature: ArrayLike<number> | undefined, expected: ArrayLike<number>, digits = 5): void {
  expect(feature).toHaveLength(expected.length);
  Array.from(expected).forEach((x, i) => {
    expect(feature?.[i]).toBeCloseTo(x, digits);
  });
}

/** A picture of 448×224: green, with a quarter of the width in red on each side. */
async function wide(): Promise<Buffer> {
  const red = { input: { create: { width: 112, height: 224, channels: 3 as const, background: '#ff0000' } } };
  return await sharp({ create: { width: 448, height: 224, channels: 3, background: '#00ff00' } })
    .composite([
      { ...red, left: 0, top: 0 },
      { ...red, left: 336, top: 0 },
    ])
    .png()
    .toBuffer();
}

async function pictureFeature(image: OpenImageExtractor): Promise<Float32Array | undefined> {
  return (await image.extract([await decodeRgb(await wide(), image.input)]))[0];
}

/** The feature of a picture whose channels have these means. */
function ofMeans(means: readonly number[]): number[] {
  return unit(
    Array.from({ length: LAYOUT_WIDTH }, (_, k) =>
      means.reduce((sum, x, c) => sum + x * (VISION_WEIGHTS[c * LAYOUT_WIDTH + k] as number), 0),
    ),
  );
}

describe('a model in the layout of CLIP', () => {
  it('gets the middle of a picture, and texts up to its end token', async () => {
    const clip = await saveOnnx(join(folder, 'clip'), CLIP_LAYOUT);
    const image = await features.openImage(clip);
    const text = await features.openText(clip);
    expect(image.input).toEqual({ width: 224, height: 224, fit: 'cover', kernel: 'cubic' });
    expect(image.space).toBe(text.space);
    // The middle is green alone.
    closeTo(
      await pictureFeature(image),
      ofMeans([0, 1, 0].map((x, c) => (x - (CLIP_MEAN[c] as number)) / (CLIP_STD[c] as number))),
      2,
    );
    const [plain, shouted, other, long, longer] = await text.extract([
      'red cat',
      '  RED \n Cat ',
      'cat red',
      Array.from({ length: CLIP_LENGTH - 2 }, () => 'red').join(' '),
      Array.from({ length: 200 }, () => 'red').join(' '),
    ]);
    closeTo(shouted, plain as Float32Array);
    closeTo(longer, long as Float32Array);
    expect(other).not.toEqual(plain);
    expect(long).not.toEqual(plain);
  });

  it('has the same features where it was exported for one text of full length', async () => {
    const clip = await features.openText(await saveOnnx(join(folder, 'clip'), CLIP_LAYOUT));
    const name = await saveOnnx(join(folder, 'fixed'), CLIP_FIXED);
    const [text, image] = [await features.openText(name), await features.openImage(name)];
    const texts = ['red cat', 'a cat', '', Array.from({ length: 200 }, () => 'red').join(' ')];
    const [fixed, free] = [await text.extract(texts), await clip.extract(texts)];
    fixed.forEach((feature, i) => {
      closeTo(feature, free[i] as Float32Array);
    });
    const pixels = await decodeRgb(await wide(), image.input);
    expect(await image.extract([pixels, pixels, pixels])).toHaveLength(3);
  });
});

describe('a model in the layout of SigLIP', () => {
  it('gets whole pictures, and texts filled up with end tokens', async () => {
    const siglip = await saveOnnx(join(folder, 'siglip'), SIGLIP_LAYOUT);
    const image = await features.openImage(siglip);
    const text = await features.openText(siglip);
    expect(image.input).toEqual({ width: 224, height: 224, fit: 'fill', kernel: 'cubic' });
    expect(image.space).toBe(text.space);
    // Half of the whole picture is red, half green.
    closeTo(await pictureFeature(image), ofMeans([0, 0, -1]), 2);
    const [feature, shouted, long] = await text.extract([
      'a red cats',
      'A "Red"  CATS!',
      Array.from({ length: 200 }, () => 'red').join(' '),
    ]);
    const row = (piece: string) => {
      const id = (SIGLIP_PIECES as readonly string[]).indexOf(piece);
      return [...SIGLIP_TABLE.subarray(id * LAYOUT_WIDTH, (id + 1) * LAYOUT_WIDTH)];
    };
    const summed = (pieces: readonly string[]) =>
      unit(
        Array.from({ length: LAYOUT_WIDTH }, (_, k) =>
          [...pieces, ...new Array<string>(SIGLIP_LENGTH - pieces.length).fill('</s>')].reduce(
            (sum, piece) => sum + (row(piece)[k] as number),
            0,
          ),
        ),
      );
    closeTo(feature, summed(['▁a', '▁red', '▁cat', 's']));
    closeTo(shouted, feature as Float32Array);
    closeTo(long, summed(new Array<string>(SIGLIP_LENGTH - 1).fill('▁red')));
  });
});
