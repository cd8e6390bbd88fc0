import { expect, it } from 'vitest';
import { heightOf, justify, neighbour, rowAt } from '../../web/src/ui/justified.js';

const OPTIONS = { width: 1000, wanted: 200, gap: 10, complete: true, foot: 30 };
const ratios = Array.from({ length: 500 }, (_, i) => 0.4 + ((i * 7919) % 100) / 25);

it('fills the width of every row but the last, in the order of the tiles', () => {
  const rows = justify(ratios, OPTIONS);
  expect(rows.flatMap(({ places }) => places.map(({ index }) => index))).toEqual(ratios.map((_, i) => i));
  for (const { places, height } of rows.slice(0, -1)) {
    const last = places.at(-1);
    expect((last?.left ?? 0) + (last?.width ?? 0)).toBeCloseTo(1000, 6);
    expect(height).toBeLessThanOrEqual(230 + 1e-9);
  }
  expect(heightOf(rows)).toBeCloseTo(
    rows.reduce((sum, { height }) => sum + height + 10, -10),
    6,
  );
});

it('moves no row when tiles are added', () => {
  const before = justify(ratios.slice(0, 250), { ...OPTIONS, complete: false });
  expect(before.length).toBeGreaterThan(10);
  expect(justify(ratios, OPTIONS).slice(0, before.length)).toEqual(before);
});

it('finds rows by their height, and tiles above and below', () => {
  const rows = justify(ratios, OPTIONS);
  for (const [i, { top, height }] of rows.entries()) {
    expect([rowAt(rows, top), rowAt(rows, top + height)]).toEqual([i, i]);
  }
  expect([rowAt(rows, -5), rowAt(rows, 1e9)]).toEqual([0, rows.length - 1]);
  expect([neighbour(rows, 0, -1), neighbour(rows, ratios.length - 1, 1)]).toEqual([null, null]);
  const below = neighbour(rows, 0, 1) ?? 0;
  expect(rows[1]?.places.map(({ index }) => index)).toContain(below);
  const above = neighbour(rows, below, -1);
  expect(rows[0]?.places.map(({ index }) => index)).toContain(above);
});

it('has no row without tiles', () => {
  expect([justify([], OPTIONS), heightOf([])]).toEqual([[], 0]);
});
