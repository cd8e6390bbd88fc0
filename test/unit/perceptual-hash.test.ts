import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { COPY_DISTANCE, hammingDistance, perceptualHash } from '../../src/domain/perceptual-hash.js';
import { decodeRgb } from '../../src/media/decode.js';
import { shapePairs } from '../factories/shapes.js';

const SIZE = { width: 32, height: 32, fit: 'fill' } as const;
const hashOf = async (bytes: Uint8Array) => perceptualHash((await decodeRgb(bytes, SIZE)).data);

describe('hammingDistance', () => {
  it.each([
    [0n, 0n, 0],
    [0n, -1n, 64],
    [-1n, -2n, 1],
    [0b1011n, 0b0010n, 2],
    [-(2n ** 63n), 2n ** 63n - 1n, 64],
  ])('of %s and %s is %s', (a, b, bits) => {
    expect(hammingDistance(a, b)).toBe(bits);
    expect(hammingDistance(b, a)).toBe(bits);
  });
});

describe('perceptualHash', () => {
  it('is a signed 64-bit number, and always the same', () => {
    const ramp = Uint8Array.from({ length: 3072 }, (_, i) => (i * 7) % 256);
    expect(perceptualHash(ramp)).toBe(perceptualHash(ramp));
    expect(BigInt.asIntN(64, perceptualHash(ramp))).toBe(perceptualHash(ramp));
  });

  it('has golden values', () => {
    const grey = new Uint8Array(3072).fill(128);
    const ramp = Uint8Array.from({ length: 3072 }, (_, i) => 255 - (Math.floor(i / 3) % 32) * 8);
    const red = Uint8Array.from({ length: 3072 }, (_, i) => (i % 3 === 0 ? 200 : 20));
    expect([grey, ramp, red].map((rgb) => BigInt.asUintN(64, perceptualHash(rgb)).toString(16))).toEqual([
      'a000a000a000a',
      '200a800a008a080a',
      'b000b000b000b',
    ]);
  });

  it('refuses another size', () => {
    expect(() => perceptualHash(new Uint8Array(3))).toThrow('3 bytes');
  });

  it.each<[string, (bytes: Buffer) => Promise<Buffer>]>([
    ['half the size', (bytes) => sharp(bytes).resize(32, 32).png().toBuffer()],
    ['twice the size', (bytes) => sharp(bytes).resize(128, 128).png().toBuffer()],
    ['a JPEG of quality 60', (bytes) => sharp(bytes).jpeg({ quality: 60 }).toBuffer()],
    ['a WebP of quality 50', (bytes) => sharp(bytes).webp({ quality: 50 }).toBuffer()],
  ])('finds copies: %s', async (_name, change) => {
    const pairs = await shapePairs();
    const copies = await Promise.all(
      pairs.map(async ({ png }) => hammingDistance(await hashOf(png), await hashOf(await change(png)))),
    );
    // Plain shapes are the hardest: most of their coefficients are near zero.
    expect(copies.filter((distance) => distance <= COPY_DISTANCE).length).toBeGreaterThanOrEqual(54);
  });

  it('tells colours apart except blue and purple, and most shapes of one colour', async () => {
    const pairs = await shapePairs();
    const hashes = await Promise.all(pairs.map(({ png }) => hashOf(png)));
    const colour = (key: string | undefined) => key?.split('-')[1]?.replace('purple', 'blue');
    const same = pairs.flatMap(({ key }, i) =>
      pairs
        .slice(i + 1)
        .filter((_, j) => hammingDistance(hashes[i] ?? 0n, hashes[i + 1 + j] ?? 0n) <= COPY_DISTANCE)
        .map((other) => [key, other.key]),
    );
    expect(same.filter(([a, b]) => colour(a) !== colour(b))).toEqual([]);
    expect(same.length).toBeLessThan(35);
  });
});
