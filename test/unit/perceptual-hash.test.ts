import { describe, expect, it } from 'vitest';
import { hammingDistance, perceptualHash } from '../../src/domain/perceptual-hash.js';

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
});
