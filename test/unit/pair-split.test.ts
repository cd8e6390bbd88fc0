import { expect, it } from 'vitest';
import { type Split, splitAgain, splitPairs } from '../../src/evaluation/pair-split.js';
import type { PairTable } from '../../src/evaluation/source-set.js';

/** Pairs 0 … n − 1, two rows each, of the classes given by turns. */
function tableOf(n: number, classes: readonly string[]): PairTable {
  const rows = Array.from({ length: 2 * n }, (_, row) => row);
  const ones = { data: Float32Array.from(rows), rows: rows.length, columns: 1 };
  const className = (row: number) => classes[(row >> 1) % classes.length] ?? '';
  return {
    pairs: rows.map((row) => ({
      imageId: `i${row}`,
      textId: `t${row}`,
      pairId: `p${row >> 1}`,
      classIds: [],
    })),
    image: ones,
    text: ones,
    classOf: rows.map((row) => ({ id: `id-${className(row)}`, name: className(row), description: null })),
  };
}

const pairIds = (table: PairTable) => new Set(table.pairs.map(({ pairId }) => pairId));
const parts = ({ source, seen, unseen }: Split) => [source, seen, unseen].map(pairIds);
const options = { learnable: () => true, unseen: new Set(['c']), holdout: 0.25, seed: 3 };

it('holds out a share of the pairs, whole, and all of the unseen classes', () => {
  const [source, seen, unseen] = parts(splitPairs(tableOf(60, ['a', 'b', 'c']), options));
  expect([source?.size, seen?.size, unseen?.size]).toEqual([30, 10, 20]);
  const all = new Set([...(source ?? []), ...(seen ?? []), ...(unseen ?? [])]);
  expect(all.size).toBe(60);
});

it('holds out what the seed says, in whatever order the pairs come', () => {
  const table = tableOf(40, ['a']);
  const reversed: PairTable = { ...table, pairs: table.pairs.toReversed() };
  expect(pairIds(splitPairs(reversed, options).seen)).toEqual(pairIds(splitPairs(table, options).seen));
  expect(pairIds(splitPairs(table, { ...options, seed: 4 }).seen)).not.toEqual(
    pairIds(splitPairs(table, options).seen),
  );
});

it('is found again, and never measures what was learnt from, when more pairs have come', () => {
  const first = splitPairs(tableOf(60, ['a', 'b', 'c']), options);
  const again = splitAgain(tableOf(60, ['a', 'b', 'c']), options, first.bound, ['id-a', 'id-b']);
  expect(parts(again)).toEqual(parts(first));

  const later = splitAgain(tableOf(120, ['a', 'b', 'c']), options, first.bound, ['id-a', 'id-b']);
  const [learnt = new Set<string>(), seen = new Set<string>()] = parts(first);
  for (const id of [...pairIds(later.seen), ...pairIds(later.unseen)]) expect(learnt.has(id)).toBe(false);
  for (const id of seen) expect(pairIds(later.seen).has(id)).toBe(true);
  expect(pairIds(later.unseen).size).toBe(40);
});

it('does not take a pair for unseen because its class was given another name since', () => {
  const first = splitPairs(tableOf(60, ['a', 'b']), options);
  const again = splitAgain(tableOf(60, ['a', 'new']), options, first.bound, ['id-a', 'id-b']);
  const learnt = pairIds(first.source);
  for (const id of pairIds(again.unseen)) expect(learnt.has(id)).toBe(false);
  expect(again.unseen.pairs.length).toBeGreaterThan(0);
});
