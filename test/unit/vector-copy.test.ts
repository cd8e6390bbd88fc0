import { describe, expect, it } from 'vitest';
import { bestOfEach, closest, groupCounterparts } from '../../src/catalog/vectors/vector-copy.js';
import { createRows } from '../../src/catalog/vectors/vector-rows.js';
import { dot } from '../../src/domain/vectors.js';
import { randomOf } from '../support/catalog-items.js';

describe('products of rows in memory with a vector', () => {
  const random = randomOf(4);
  const numbers = (count: number) => new Float32Array(count).map(() => random() - 0.5);

  it.each([1, 15, 16, 17, 64, 100, 1024])('are the sums they should be over %i columns', (columns) => {
    for (const count of [1, 2, 7]) {
      const data = numbers(count * columns);
      const rows = createRows(count, columns);
      // In two parts, as chunks come.
      rows?.put(0, data.subarray(0, columns));
      rows?.put(1, data.subarray(columns));
      for (const query of [numbers(columns), numbers(columns)]) {
        const products = rows?.products(query) ?? [];
        expect(products).toHaveLength(count);
        products.forEach((product, row) => {
          expect(product).toBeCloseTo(dot(data.subarray(row * columns, (row + 1) * columns), query), 5);
        });
      }
    }
  });

  it('are the same for equal rows wherever they stand', () => {
    const row = numbers(37);
    const rows = createRows(50, 37);
    for (let at = 0; at < 50; at += 1) rows?.put(at, row);
    expect(new Set(rows?.products(numbers(37))).size).toBe(1);
  });

  it('are none of no rows, and refuse a vector of another length', () => {
    expect(createRows(0, 0)?.products(numbers(3))).toEqual(new Float32Array());
    expect(() => createRows(1, 3)?.products(numbers(4))).toThrow(RangeError);
  });
});

describe('the closest of a copy', () => {
  it('come by similarity, then by id, however many are asked for', () => {
    const random = randomOf(9);
    const ids = Array.from({ length: 200 }, (_, i) => String(i).padStart(3, '0'));
    // Few different values, so that most are tied.
    const similarity = new Float32Array(200).map(() => Math.floor(random() * 20) / 20 - 0.5);
    const sorted = ids
      .map((id, i) => ({ id, similarity: similarity[i] ?? 0 }))
      .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
    for (const count of [0, 1, 2, 17, 199, 200, 1000])
      expect(closest(ids, similarity, count)).toEqual(sorted.slice(0, count));
    expect(closest([], new Float32Array(), 5)).toEqual([]);
  });

  it('come so where all but one are next to each other, and where all are equal', () => {
    const random = randomOf(10);
    const ids = Array.from({ length: 3000 }, (_, i) => String(i).padStart(4, '0'));
    for (const similarity of [
      new Float32Array(3000).map((_, i) => (i === 1234 ? 1 : random() / 10_000)),
      new Float32Array(3000).fill(0.5),
    ]) {
      const sorted = ids
        .map((id, i) => ({ id, similarity: similarity[i] ?? 0 }))
        .sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
      for (const count of [1, 200]) expect(closest(ids, similarity, count)).toEqual(sorted.slice(0, count));
    }
  });

  it('stay within −1 and 1', () => {
    expect(
      closest(['a', 'b'], Float32Array.of(1.0000001, -1.0000001), 2).map((hit) => hit.similarity),
    ).toEqual([1, -1]);
  });
});

it('a counterpart is as close as the closest of what it is paired with', () => {
  const links = [
    { source: 'b', target: 'z' },
    { source: 'c', target: 'y' },
    { source: 'a', target: 'z' },
    { source: 'without a vector', target: 'x' },
  ];
  const counterparts = groupCounterparts(['a', 'b', 'c'], links);
  expect(counterparts.ids).toEqual(['y', 'z']);
  expect([...bestOfEach(counterparts, Float32Array.of(-0.5, 0.25, -1))]).toEqual([-1, 0.25]);
});
