import { expect, it } from 'vitest';
import type { Matrix } from '../../src/encoder/math/matrix.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { fitMapAxes, onAxes } from '../../src/evaluation/space/map-axes.js';
import { neighbourLayout, placeByNeighbours } from '../../src/evaluation/space/neighbour-layout.js';

const GROUPS = 4;
const EACH = 30;
const COLUMNS = 40;

/** Points around four corners of a space of 40 dimensions. */
function corners(): Matrix {
  const random = createRandom(3);
  const data = new Float32Array(GROUPS * EACH * COLUMNS);
  for (let row = 0; row < GROUPS * EACH; row += 1) {
    for (let j = 0; j < COLUMNS; j += 1)
      data[row * COLUMNS + j] = 0.1 * random.normal() + (j === row % GROUPS ? 1 : 0);
  }
  return { data, rows: GROUPS * EACH, columns: COLUMNS };
}

it('keeps the squared distances of the space on its axes, up to the variance that they leave out', () => {
  const rows = corners();
  const axes = fitMapAxes(rows);
  const on = onAxes(rows, axes);
  expect([on.rows, on.columns]).toEqual([GROUPS * EACH, 32]);
  const distance = ({ data, columns }: Matrix, a: number, b: number) =>
    Array.from(
      { length: columns },
      (_, j) => ((data[a * columns + j] ?? 0) - (data[b * columns + j] ?? 0)) ** 2,
    ).reduce((sum, x) => sum + x, 0);
  for (const [a, b] of [
    [0, 1],
    [0, 4],
    [5, 10],
  ] as const)
    expect(distance(on, a, b) / distance(rows, a, b)).toBeGreaterThan(0.8);
  // Three of the four corners' directions have variance; two are in the plane.
  expect(axes.explained).toBeGreaterThan(0.3);
  expect(axes.explained).toBeLessThan(0.7);
});

it('places points beside those of their group, the ones of the sample at their own positions', () => {
  const rows = corners();
  const all = onAxes(rows, fitMapAxes(rows));
  const half = { data: all.data.slice(0, 60 * 32), rows: 60, columns: 32 };
  const near = neighbourLayout(half, all);
  if (near === null) throw new Error('the sample is large enough');
  const nearest = (row: number) => {
    let [best, least] = [-1, Number.POSITIVE_INFINITY];
    for (let other = 0; other < all.rows; other += 1) {
      const apart = Math.hypot(
        (near[2 * row] ?? 0) - (near[2 * other] ?? 0),
        (near[2 * row + 1] ?? 0) - (near[2 * other + 1] ?? 0),
      );
      if (other !== row && apart < least) [best, least] = [other, apart];
    }
    return best;
  };
  for (let row = 0; row < all.rows; row += 1) expect(nearest(row) % GROUPS).toBe(row % GROUPS);
  const positions = Array.from({ length: 60 }, (_, i) => [i, -i] as const);
  const placed = placeByNeighbours(half, positions, half);
  expect(placed[2 * 7]).toBeCloseTo(7, 1);
  expect(placed[2 * 7 + 1]).toBeCloseTo(-7, 1);
});

it('has no layout of fewer than 12 points', () => {
  const few = { data: new Float32Array(11 * 2), rows: 11, columns: 2 };
  expect(neighbourLayout(few, few)).toBeNull();
});

it('has axes without a sample, so that items that are stored meanwhile come to one point', () => {
  const axes = fitMapAxes({ data: new Float32Array(), rows: 0, columns: COLUMNS });
  expect(axes.explained).toBe(1);
  expect(new Set(onAxes(corners(), axes).data)).toEqual(new Set([0]));
});
