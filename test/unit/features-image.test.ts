import { describe, expect, it } from 'vitest';
import { cosine } from '../../src/domain/vectors.js';
import { HSV_HOG_DIMENSION, hsvHog } from '../../src/features/image/hsv-hog.js';
import { areaResample } from '../../src/features/image/resample.js';
import type { Pixels } from '../../src/features/types.js';
import { joinUnit, norm } from '../../src/features/vectors.js';

type Colour = readonly [number, number, number];
const RED: Colour = [214, 40, 40];
const BLUE: Colour = [29, 78, 216];
const WHITE: Colour = [255, 255, 255];

function draw(size: number, colour: (x: number, y: number) => Colour): Pixels {
  const data = new Uint8Array(size * size * 3);
  for (let y = 0; y < size; y += 1) {
    for (let x = 0; x < size; x += 1) data.set(colour(x / size, y / size), (y * size + x) * 3);
  }
  return { data, width: size, height: size };
}

const disc = (colour: Colour, size = 64) =>
  draw(size, (x, y) => (Math.hypot(x - 0.5, y - 0.5) < 0.35 ? colour : WHITE));
const stripes = (colour: Colour, along: 'x' | 'y') =>
  draw(64, (x, y) => (((along === 'x' ? x : y) * 64) % 16 < 8 ? colour : WHITE));

describe('hsvHog', () => {
  it('is a unit vector of its dimension, also for a blank picture', () => {
    for (const image of [disc(RED), draw(64, () => WHITE), draw(64, () => [0, 0, 0])]) {
      const feature = hsvHog(image);
      expect(feature).toHaveLength(HSV_HOG_DIMENSION);
      expect(norm(feature)).toBeCloseTo(1, 6);
    }
  });

  it('distinguishes colours and shapes', () => {
    expect(cosine(hsvHog(disc(RED)), hsvHog(disc(BLUE)))).toBeLessThan(0.95);
    expect(cosine(hsvHog(stripes(RED, 'x')), hsvHog(stripes(RED, 'y')))).toBeLessThan(0.5);
    const sameShape = cosine(hsvHog(disc(RED)), hsvHog(disc(BLUE)));
    expect(sameShape).toBeGreaterThan(cosine(hsvHog(disc(RED)), hsvHog(stripes(BLUE, 'x'))));
  });

  it('is similar for the same picture at another size', () => {
    // Not equal: the rim of one disc has steps, and resampling smooths the rim of the other.
    const same = cosine(hsvHog(disc(RED)), hsvHog(disc(RED, 160)));
    expect(same).toBeGreaterThan(0.85);
    expect(same).toBeGreaterThan(cosine(hsvHog(disc(RED)), hsvHog(disc(BLUE, 160))));
  });
});

describe('areaResample', () => {
  it('averages the area under a new pixel', () => {
    const checkers = draw(4, (x, y) => ((x * 4 + y * 4) % 2 === 0 ? [0, 0, 0] : [200, 100, 50]));
    expect([...areaResample(checkers, 2)]).toEqual([100, 50, 25, 100, 50, 25, 100, 50, 25, 100, 50, 25]);
  });

  it('repeats pixels when enlarging, and keeps an image of the same size', () => {
    const image = draw(2, (x) => (x < 0.5 ? RED : BLUE));
    expect([...areaResample(image, 4).subarray(0, 12)]).toEqual([...RED, ...RED, ...BLUE, ...BLUE]);
    expect(areaResample(image, 2)).toBe(image.data);
  });
});

describe('joinUnit', () => {
  it('gives joined features a cosine that is the weighted mean of the parts’ cosines', () => {
    const join = (a: number[], b: number[]) =>
      joinUnit([
        { part: Float32Array.from(a), weight: 3 },
        { part: Float32Array.from(b), weight: 1 },
      ]);
    // cos((3,4),(4,3)) = 24/25 and cos((1,0),(0,1)) = 0
    expect(cosine(join([3, 4], [1, 0]), join([4, 3], [0, 1]))).toBeCloseTo((3 * 24) / 25 / 4, 6);
  });

  it('gives the weight of a zero part to the others, and is zero if all parts are', () => {
    const zero = { part: new Float32Array(2), weight: 1 };
    expect([...joinUnit([zero, { part: Float32Array.of(0, 5), weight: 1 }])]).toEqual([0, 0, 0, 1]);
    expect([...joinUnit([zero, zero])]).toEqual([0, 0, 0, 0]);
  });
});
