import sharp, { type Sharp } from 'sharp';
import { expect, it } from 'vitest';
import { emojiCatalogue } from '../../src/demo/emoji-catalogue.js';
import { HASHED_SIZE } from '../../src/domain/perceptual-hash.js';
import { areCopies, hashPicture } from '../../src/domain/picture-hash.js';
import { decodeRgb } from '../../src/media/decode.js';

const hashOf = async (source: Uint8Array | string) =>
  hashPicture((await decodeRgb(source, HASHED_SIZE)).data);

/** Every 20th emoji of one style: 82 pictures. */
const files = emojiCatalogue().flatMap(({ googleFile }, i) => (i % 20 === 0 ? [googleFile] : []));

it.each<[string, number, (file: string) => Sharp]>([
  ['half the size', 80, (file) => sharp(file).resize(32, 32).png()],
  ['twice the size', 75, (file) => sharp(file).resize(128, 128).png()],
  ['a JPEG of quality 60', 78, (file) => sharp(file).flatten({ background: 'white' }).jpeg({ quality: 60 })],
  ['a WebP of another size', 75, (file) => sharp(file).resize(47, 47).webp({ quality: 70 })],
  ['darker', 80, (file) => sharp(file).flatten({ background: 'white' }).linear(0.9, 5).png()],
])('copies are found: %s', async (_name, least, change) => {
  const found = await Promise.all(
    files.map(async (file) => areCopies(await hashOf(file), await hashOf(await change(file).toBuffer()))),
  );
  expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(least);
});

it('other pictures are no copies', async () => {
  const hashes = await Promise.all(files.map(hashOf));
  const same = hashes.flatMap((hash, i) => hashes.slice(i + 1).filter((other) => areCopies(hash, other)));
  expect(same).toEqual([]);
});

it('pictures of one shade are copies if the shades are near', () => {
  const shade = (value: number) => hashPicture(new Uint8Array(3072).fill(value));
  expect(areCopies(shade(100), shade(105))).toBe(true);
  expect(areCopies(shade(100), shade(200))).toBe(false);
});

it('a picture of much less contrast is no copy', () => {
  const rgb = Uint8Array.from({ length: 3072 }, (_, i) => (Math.floor(i / 768) * 60) % 256);
  const picture = hashPicture(rgb);
  expect(areCopies(picture, hashPicture(rgb.map((value) => 0.9 * value + 10)))).toBe(true);
  expect(
    areCopies(picture, { ...hashPicture(rgb.map((value) => 0.5 * value + 60)), hash: picture.hash }),
  ).toBe(false);
});

it('the detail is the mean brightness of cells', () => {
  const rgb = new Uint8Array(3072);
  // The first cell is 4 × 4 pixels: half of it is white (255).
  for (const y of [0, 1]) rgb.fill(255, y * 96, y * 96 + 12);
  const { detail } = hashPicture(rgb);
  expect([detail.length, detail[0], detail[1], detail[8]]).toEqual([64, 127, 0, 0]);
});
