import { expect, it } from 'vitest';
import { coloursOf } from '../../web/src/map/colours.js';
import { PointGrid, within } from '../../web/src/map/point-grid.js';
import { idAt, indexOf, readPoints } from '../../web/src/map/points.js';
import { fitted, moved, toMap, toScreen, zoomed } from '../../web/src/map/view.js';

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
const always = () => true;
/** A grid of 40 · 40 points, one apart. */
const square = Float32Array.from({ length: 3200 }, (_, i) =>
  i % 2 === 0 ? (i >> 1) % 40 : Math.floor((i >> 1) / 40),
);

it('reads pages of points', () => {
  const page = (first: number) => ({
    count: 2,
    ids: base64(Uint8Array.from({ length: 32 }, (_, i) => first + i)),
    positions: base64(new Uint8Array(Float32Array.of(first, 0.5, -2, first).buffer)),
    modalities: base64(Uint8Array.of(0, 1)),
    classes: base64(Uint8Array.of(255, 3)),
  });
  const points = readPoints([page(0), page(100)]);
  expect(points.count).toBe(4);
  expect([...points.positions]).toEqual([0, 0.5, -2, 0, 100, 0.5, -2, 100]);
  expect(idAt(points, 1)).toBe('10111213-1415-1617-1819-1a1b1c1d1e1f');
  expect(indexOf(points, idAt(points, 3))).toBe(3);
  expect(indexOf(points, '00000000-0000-0000-0000-000000000000')).toBeNull();
  const shown = { modality: 1, classes: new Set<number>(), selected: new Set([1]) } as const;
  const opacities = [...coloursOf(points, shown)].filter((_, i) => i % 4 === 3);
  expect([opacities[0], opacities[2]]).toEqual([0, 0]);
  expect(opacities[1]).toBeGreaterThan(opacities[3] ?? 0);
});

it('finds the nearest point within a radius', () => {
  const grid = new PointGrid(square);
  expect(grid.nearest([7.2, 9.4], 1, always)).toBe(9 * 40 + 7);
  expect(grid.nearest([7.2, 9.4], 1, (i) => i !== 9 * 40 + 7)).toBe(10 * 40 + 7);
  expect(grid.nearest([7.5, 9.5], 0.6, always)).toBeNull();
  expect(grid.nearest([-30, 9], 5, always)).toBeNull();
});

it('finds the points within an outline', () => {
  const triangle = [
    [-0.5, -0.5],
    [4.6, -0.5],
    [-0.5, 4.6],
  ] as const;
  const found = within(square, triangle, always).map((i) => [i % 40, Math.floor(i / 40)]);
  expect(found.every(([x = 0, y = 0]) => x + y <= 4)).toBe(true);
  expect(found).toHaveLength(15);
  expect(within(square, triangle, (i) => i === 1)).toEqual([1]);
});

it('moves between the map and the drawing, and zooms around a place', () => {
  const size = { width: 400, height: 300 };
  const view = fitted(square, size);
  const corner = toScreen(view, size, [0, 39]);
  expect(corner[1]).toBeCloseTo(24);
  const [x, y] = toMap(view, size, [100, 80]);
  const near = zoomed(view, size, 3, [100, 80]);
  expect(toMap(near, size, [100, 80])).toEqual([expect.closeTo(x), expect.closeTo(y)]);
  expect(near.scale).toBeCloseTo(3 * view.scale);
  expect(toScreen(moved(view, 10, -5), size, [x, y])).toEqual([expect.closeTo(110), expect.closeTo(75)]);
});
