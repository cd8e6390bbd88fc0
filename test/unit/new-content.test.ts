import { describe, expect, it } from 'vitest';
import { protocolOf } from '../../bench/retrieval-data.js';
import { gather, rowOf, takeRows } from '../../src/encoder/math/matrix.js';
import { createRandom, normals } from '../../src/encoder/math/random.js';
import { splitTable } from '../../src/evaluation/pair-split.js';
import { repeatedRows } from '../../src/evaluation/repeated-content.js';
import { drawQueries } from '../../src/services/evaluate/search-quality/draw-queries.js';
import { heldOutPairs, type SampleItem } from '../../src/services/evaluate/search-quality/source-sample.js';
import { pairTable } from './pair-tables.js';

/** Rows of random features in which some rows repeat others. */
function withRepeats(rows: number, seed: number, repeats: readonly (readonly [row: number, of: number])[]) {
  const data = normals(rows * 4, 1, createRandom(seed));
  for (const [row, of] of repeats) data.copyWithin(row * 4, of * 4, of * 4 + 4);
  return { data, rows, columns: 4 };
}

it('finds rows whose picture or text is that of a training row', () => {
  const training = { image: withRepeats(3, 1, []), text: withRepeats(3, 2, []) };
  const row = (matrix: typeof training.image, at: number) => rowOf(matrix, at);
  const [image, text] = [withRepeats(3, 3, []), withRepeats(3, 4, [])];
  const measured = {
    image: gather([row(image, 0), row(training.image, 2), row(image, 2)]),
    text: gather([row(text, 0), row(text, 1), row(training.text, 0)]),
  };
  expect(repeatedRows(training, measured)).toEqual([false, true, true]);
  // A picture is not compared with a text.
  expect(repeatedRows({ image: training.text, text: training.image }, measured)).toEqual([
    false,
    false,
    false,
  ]);
});

describe('the benchmark of retrieval on stored features', () => {
  const repeats = Array.from({ length: 30 }, (_, i) => [i, 119 - i] as const);
  const features = {
    google: withRepeats(120, 5, repeats),
    twitter: withRepeats(120, 6, []),
    text: withRepeats(120, 7, repeats.slice(0, 15)),
    labels: Int32Array.from({ length: 120 }, (_, row) => row % 6),
    names: ['a', 'b', 'c', 'd', 'e', 'f'],
  };

  it.each(['a', 'b', 'd'])('measures no image and no text of the training set: protocol %s', (name) => {
    for (let seed = 0; seed < 3; seed += 1) {
      const { train, test, images, repeated } = protocolOf(name, features, seed);
      expect(repeated).toBeGreaterThan(0);
      const trained = { image: takeRows(features.google, train), text: takeRows(features.text, train) };
      const measured = { image: takeRows(images, test), text: takeRows(features.text, test) };
      expect(repeatedRows(trained, measured)).not.toContain(true);
      expect(test.length).toBeGreaterThan(5);
    }
  });
});

describe('the measurement of searches', () => {
  const zero = { classes: ['c'], image: [0], text: [0] } as const;
  const rows = Array.from({ length: 40 }, (_, i) => [
    { pair: `p${i}`, imageId: `i${i}`, textId: `t${i}`, ...zero },
    // The second caption of every fourth pair is that of the next pair.
    {
      pair: `p${i}`,
      imageId: `i${i}`,
      textId: `u${i}`,
      textHash: i % 4 === 0 ? `t${i + 1}` : `u${i}`,
      ...zero,
    },
  ]).flat();
  const table = pairTable(rows);
  const split = splitTable(table, { learnable: () => true, unseen: new Set(), holdout: 0.5, seed: 1 });

  it('holds a pair out only if all its items are new', () => {
    const held = heldOutPairs(split, table.pairs);
    const trained = new Set(split.source.pairs.map(({ textHash }) => textHash));
    const measured = new Set(split.seen.pairs.map(({ pairId }) => pairId));
    expect(held.size).toBeGreaterThan(5);
    expect(held.size).toBeLessThan(measured.size);
    for (const pair of table.pairs) if (held.has(pair.pairId)) expect(trained.has(pair.textHash)).toBe(false);
  });

  it('does not count a query as held out whose text is a training text', () => {
    const item = (id: string, title: string, text: string): SampleItem => ({
      row: {
        id,
        modality: 'TEXT',
        title,
        text,
        language: null,
        metadata: {},
      } as unknown as SampleItem['row'],
      pairId: id,
      classIds: new Set(),
      feature: new Float32Array(1),
      embedding: new Float32Array(1),
    });
    const items = [item('a', 'tiger', 'tiger, animal, big, cat'), item('b', 'oak', 'oak, tree, leaf, acorn')];
    const drawn = drawQueries(
      { items, heldOut: new Set(['a', 'b']), isTrainingText: (text) => text === 'tiger' },
      { every: 10, 'held-out': 10 },
      { seed: 0 },
    );
    const named = drawn.filter(({ form }) => form === 'name');
    expect(named.map(({ text, heldOut, pools }) => [text, heldOut, pools.has('held-out')]).sort()).toEqual([
      ['oak', true, true],
      ['tiger', false, false],
    ]);
  });
});
