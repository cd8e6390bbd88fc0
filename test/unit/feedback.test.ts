import { describe, expect, it } from 'vitest';
import { moveTowards } from '../../src/domain/feedback.js';
import { movedQueries } from '../../src/evaluation/moved-queries.js';

const vector = (...values: number[]) => Float32Array.from(values);

describe('feedback', () => {
  it('moves a query towards the mean of its best results, at unit length', () => {
    // The mean of (1, 0) and (0, 1) has the direction (√½, √½); half of it and half of (1, 0) has (.8536, .3536), of length .9239.
    const [x = 0, y = 0] = moveTowards(vector(1, 0), [vector(1, 0), vector(0, 1)], 0.5);
    expect(x).toBeCloseTo(0.92388, 4);
    expect(y).toBeCloseTo(0.38268, 4);
  });

  it('leaves a query without results, or of strength 0, as it is', () => {
    const query = vector(0.6, 0.8);
    expect(moveTowards(query, [], 0.5)).toBe(query);
    expect(moveTowards(query, [vector(1, 0)], 0)).toBe(query);
  });

  it('is measured with the best ten of the gallery alone', () => {
    const side = (rows: readonly Float32Array[]) => ({
      embeddings: { data: Float32Array.from(rows.flatMap((row) => [...row])), rows: rows.length, columns: 2 },
      classes: new Int32Array(rows.length),
      pairs: new Int32Array(rows.length),
    });
    const gallery = side([
      ...Array.from({ length: 10 }, () => vector(0.8, 0.6)),
      vector(0, -1),
      vector(-1, 0),
    ]);
    const { embeddings } = movedQueries(side([vector(1, 0)]), gallery, 1);
    expect([...embeddings.data]).toEqual([expect.closeTo(0.8, 5), expect.closeTo(0.6, 5)]);
  });
});
