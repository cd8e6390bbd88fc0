import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/encoder/math/random.js';
import { type Split, splitAgain, splitTable } from '../../src/evaluation/pair-split.js';
import type { PairList, PairTable } from '../../src/evaluation/pair-table.js';
import { type PairSketch, pairTable } from './pair-tables.js';

/** Pairs 0 … n − 1 of two rows each; the classes alternate. */
function tableOf(n: number, classes: readonly string[]): PairTable {
  const rows = Array.from({ length: 2 * n }, (_, row) => row);
  const ones = { data: Float32Array.from(rows), rows: rows.length, columns: 1 };
  const className = (row: number) => classes[(row >> 1) % classes.length] ?? '';
  return {
    pairs: rows.map((row) => ({
      imageId: `i${row}`,
      textId: `t${row}`,
      pairId: `p${row >> 1}`,
      imageHash: `image ${row}`,
      textHash: `text ${row}`,
      classIds: [],
    })),
    image: ones,
    text: ones,
    classOf: rows.map((row) => ({ id: `id-${className(row)}`, name: className(row), description: null })),
  };
}

const pairIds = (table: PairList) => new Set(table.pairs.map(({ pairId }) => pairId));
const parts = ({ source, seen, unseen }: Split) => [source, seen, unseen].map(pairIds);
const options = { learnable: () => true, unseen: new Set(['c']), holdout: 0.25, seed: 3 };

it('holds out a share of the pairs with all their rows, and all pairs of the unseen classes', () => {
  const [source, seen, unseen] = parts(splitTable(tableOf(60, ['a', 'b', 'c']), options));
  expect([source?.size, seen?.size, unseen?.size]).toEqual([30, 10, 20]);
  const all = new Set([...(source ?? []), ...(seen ?? []), ...(unseen ?? [])]);
  expect(all.size).toBe(60);
});

it('chooses the held-out pairs by the seed, independent of their order', () => {
  const table = tableOf(40, ['a']);
  const reversed: PairTable = { ...table, pairs: table.pairs.toReversed() };
  expect(pairIds(splitTable(reversed, options).seen)).toEqual(pairIds(splitTable(table, options).seen));
  expect(pairIds(splitTable(table, { ...options, seed: 4 }).seen)).not.toEqual(
    pairIds(splitTable(table, options).seen),
  );
});

it('is the same again after pairs were added, and never measures a training pair', () => {
  const first = splitTable(tableOf(60, ['a', 'b', 'c']), options);
  const again = splitAgain(tableOf(60, ['a', 'b', 'c']), options, first.bound, ['id-a', 'id-b']);
  expect(parts(again)).toEqual(parts(first));

  const later = splitAgain(tableOf(120, ['a', 'b', 'c']), options, first.bound, ['id-a', 'id-b']);
  const [trained = new Set<string>(), seen = new Set<string>()] = parts(first);
  for (const id of [...pairIds(later.seen), ...pairIds(later.unseen)]) expect(trained.has(id)).toBe(false);
  for (const id of seen) expect(pairIds(later.seen).has(id)).toBe(true);
  expect(pairIds(later.unseen).size).toBe(40);
});

it('does not measure a training pair as unseen after its class changed', () => {
  const first = splitTable(tableOf(60, ['a', 'b']), options);
  const again = splitAgain(tableOf(60, ['a', 'new']), options, first.bound, ['id-a', 'id-b']);
  const trained = pairIds(first.source);
  for (const id of pairIds(again.unseen)) expect(trained.has(id)).toBe(false);
  expect(again.unseen.pairs.length).toBeGreaterThan(0);
});

describe('the contents of what is measured', () => {
  const sketch = (pair: string, classes: readonly string[], rest: Partial<PairSketch> = {}): PairSketch => ({
    pair,
    classes,
    image: [1],
    text: [1],
    ...rest,
  });
  const contents = (tables: readonly PairList[]) => {
    const pairs = tables.flatMap((table) => table.pairs);
    return new Set(pairs.flatMap(({ imageHash, textHash }) => [`image ${imageHash}`, `text ${textHash}`]));
  };
  const idsOf = (tables: readonly PairList[]) =>
    new Set(tables.flatMap((table) => table.pairs.flatMap(({ imageId, textId }) => [imageId, textId])));
  const shared = (split: Split) => {
    const measured = [split.seen, split.unseen];
    const [trainedContents, trainedIds] = [contents([split.source]), idsOf([split.source])];
    return [
      ...[...contents(measured)].filter((content) => trainedContents.has(content)),
      ...[...idsOf(measured)].filter((id) => trainedIds.has(id)),
    ];
  };

  it('are never contents of the training set, whatever is shared by whom', () => {
    const random = createRandom(7);
    const pick = (n: number) => Math.floor(random.uniform() * n);
    for (let round = 0; round < 60; round += 1) {
      // Few contents and ids for many rows, so that pairs share texts, images or both.
      const rows = Array.from({ length: 120 }, (_, row) =>
        sketch(`p${pick(60)}`, [`c${pick(4)}`], {
          imageId: `i${row}`,
          textId: `t${row}`,
          imageHash: `${pick(90)}`,
          textHash: `${pick(90)}`,
        }),
      );
      const table = pairTable(rows);
      const split = splitTable(table, {
        learnable: (row) => round % 2 === 0 || row % 3 > 0,
        unseen: new Set(['c3']),
        holdout: 0.4,
        seed: round,
      });
      expect(split.source.pairs.length).toBeGreaterThan(0);
      expect(shared(split)).toEqual([]);
      const again = splitAgain(
        table,
        { learnable: () => true, unseen: new Set(['c3']), seed: round },
        split.bound,
        ['c0', 'c1'],
      );
      expect(shared(again)).toEqual([]);
    }
  });

  it('leave out a held-out pair for its text or for its image alone, and count it', () => {
    const rows = Array.from({ length: 40 }, (_, i) => sketch(`p${i}`, ['a']));
    const held = splitTable(pairTable(rows), { ...options, unseen: new Set() }).seen.pairs.map(
      ({ pairId }) => pairId,
    );
    const trained = rows.find(({ pair }) => !held.includes(pair))?.pair ?? '';
    const copying = rows.map((row) => {
      if (row.pair === held[0]) return { ...row, textHash: `${trained}.text` };
      return row.pair === held[1] ? { ...row, imageHash: `${trained}.image` } : row;
    });
    const split = splitTable(pairTable(copying), { ...options, unseen: new Set() });
    expect(pairIds(split.seen)).toEqual(new Set(held.slice(2)));
    expect(split.repeated).toBe(2);
    expect(split.source.pairs).toHaveLength(30);
  });

  it('leave out every caption of the training set where two pictures share it', () => {
    // Two pictures of each pair with one text; only the first picture may be trained on.
    const rows = Array.from({ length: 40 }, (_, i) =>
      ['first', 'second'].map((which) =>
        sketch(`p${i}`, [i < 8 ? 'c' : 'a'], { imageId: `${which} ${i}`, textId: `t${i}` }),
      ),
    ).flat();
    const table = pairTable(rows);
    const learnable = (row: number) => rows[row]?.imageId?.startsWith('first') ?? false;
    const whole = splitTable(table, { ...options, learnable, holdout: 0 });
    expect([whole.source.pairs.length, whole.seen.pairs.length, whole.repeated]).toEqual([32, 0, 32]);
    const part = splitTable(table, { ...options, learnable });
    expect([part.source.pairs.length, part.seen.pairs.length, part.repeated]).toEqual([24, 8, 24]);
    expect(part.unseen.pairs).toHaveLength(8);
    for (const { imageId } of [...part.seen.pairs, ...part.unseen.pairs]) expect(imageId).toMatch(/^second/);
  });
});
