import { describe, expect, it } from 'vitest';
import type { RankedHit, Similarities } from '../../src/domain/evidence.js';
import { EQUAL_WEIGHTS, SHIPPED_COEFFICIENTS } from '../../src/domain/fusion.js';
import { combinedSimilarity, fusedLogOdds, meanSimilarities } from '../../src/services/search/fused-parts.js';
import { partsOf } from '../../src/services/search/query-parts.js';
import { diversify, limitGroups, orderHits, withoutCopies } from '../../src/services/search/rearrange.js';

const hits = (scores: Readonly<Record<string, number>>): RankedHit[] =>
  Object.entries(scores).map(([id, score]) => ({ id, score, evidence: [] }));
const ids = (found: readonly RankedHit[]) => found.map(({ id }) => id).join('');
const vectors = (of: Readonly<Record<string, readonly number[]>>) =>
  new Map(Object.entries(of).map(([id, vector]) => [id, Float32Array.from(vector)]));

describe('diversity', () => {
  const ranked = hits({ a: 0.9, b: 0.8, c: 0.5, d: 0.1 });
  const where = vectors({ a: [1, 0], b: [1, 0], c: [0, 1] });

  it('puts hits behind others that are less similar to those before them', () => {
    expect(ids(diversify(ranked, 0.5, where))).toBe('acbd');
    expect(ids(diversify(ranked, 0, where))).toBe('abcd');
  });

  it('does not put a hit of score 0 before a relevant one', () => {
    const found = diversify(
      hits({ a: 0.9, b: 0.8, z: 0 }),
      0.9,
      vectors({ a: [1, 0], b: [1, 0], z: [0, 1] }),
    );
    expect(ids(found)).toBe('abz');
  });

  it('keeps all hits with their scores', () => {
    const found = diversify(ranked, 1, where);
    expect(found.toSorted((a, b) => b.score - a.score)).toEqual(ranked);
  });
});

describe('groups', () => {
  it('hold at most their size, and hits without a group are all kept', () => {
    const group = (id: string) => ({ a: 'x', b: 'x', c: 'x', d: 'y' })[id] ?? null;
    const ranked = hits({ a: 5, b: 4, e: 3, c: 2, d: 1, f: 0 });
    expect(ids(limitGroups(ranked, group, 1))).toBe('aedf');
    expect(ids(limitGroups(ranked, group, 2))).toBe('abedf');
  });
});

describe('copies', () => {
  it('are left out if an earlier hit that is kept is within the distance', () => {
    const picture = (hash: bigint) => ({ hash, detail: new Uint8Array(64) });
    const hashes = new Map([
      ['a', picture(0n)],
      ['b', picture(0b111n)],
      ['c', picture(0b1111n)],
      ['d', picture(-1n)],
    ]);
    expect(ids(withoutCopies(hits({ a: 4, b: 3, c: 2, d: 1, e: 0 }), hashes))).toBe('acde');
  });
});

describe('an order', () => {
  const item = (id: string, title: string | null, time: number) => ({ id, title, createdAt: new Date(time) });
  const items = [item('a', 'x', 2), item('b', null, 1), item('c', '\u{1f600}', 1), item('d', '\uffff', 3)];
  const ranked = hits({ a: 4, b: 3, c: 2, d: 1, gone: 0 });

  it('is by title by code point, then by id, without a title last', () => {
    expect(ids(orderHits(ranked, { field: 'TITLE', direction: 'ASC' }, items))).toBe('adcb');
    expect(ids(orderHits(ranked, { field: 'TITLE', direction: 'DESC' }, items))).toBe('cdab');
  });

  it('is by time, then by id in the same direction', () => {
    expect(ids(orderHits(ranked, { field: 'CREATED_AT', direction: 'ASC' }, items))).toBe('bcad');
    expect(ids(orderHits(ranked, { field: 'CREATED_AT', direction: 'DESC' }, items))).toBe('dacb');
  });
});

describe('the parts of a query', () => {
  const part = (weight: number) => ({ query: { text: 'x' }, weight });

  it('have positive weights that add up to 1, whatever their scale', () => {
    for (const scale of [1, 0.01, 4]) {
      const weights = partsOf({ all: [part(2 * scale), part(0.5 * scale), part(-scale)] }).map(
        ({ weight }) => weight,
      );
      [0.8, 0.2, -0.4].forEach((expected, i) => {
        expect(weights[i]).toBeCloseTo(expected, 12);
      });
    }
    expect(partsOf({ all: [part(0.3), part(0)] })).toEqual([
      { query: { text: 'x' }, weight: 1, field: ['query', 'all', '0'] },
    ]);
  });

  it.each<[readonly number[], readonly string[]]>([
    [[], ['query', 'all']],
    [Array<number>(17).fill(1), ['query', 'all']],
    [
      [0, -1],
      ['query', 'all'],
    ],
    [
      [1, 10.5],
      ['query', 'all', '1', 'weight'],
    ],
    [
      [1, 1, Number.NaN],
      ['query', 'all', '2', 'weight'],
    ],
    [[Number.NEGATIVE_INFINITY], ['query', 'all', '0', 'weight']],
  ])('are refused with weights %j', (weights, field) => {
    expect(() => partsOf({ all: weights.map(part) })).toThrow(
      expect.objectContaining({ code: 'BAD_INPUT', field }),
    );
  });
});

describe('fused parts', () => {
  const { TEXT } = SHIPPED_COEFFICIENTS;
  const best = { counterpart: 0.9, lexical: 1 };
  const part = (weight: number) => ({ weight, coefficients: TEXT, best });
  const match: Similarities = { COUNTERPART: 0.9, LEXICAL: 1 };
  const other: Similarities = { COUNTERPART: 0.1, LEXICAL: 0 };
  const odds = (weights: readonly number[], similarities: readonly Similarities[]) =>
    fusedLogOdds(weights.map(part), similarities, EQUAL_WEIGHTS);

  it('lower what matches a negative part, and leave others as they are', () => {
    expect(odds([1, -0.7], [match, match])).toBeLessThan(odds([1], [match]));
    expect(odds([1, -0.7], [match, other])).toBe(odds([1], [match]));
  });

  it('take the mean of positive parts, in any order', () => {
    const mean = 0.25 * odds([1], [match]) + 0.75 * odds([1], [other]);
    expect(odds([0.25, 0.75], [match, other])).toBeCloseTo(mean, 12);
    expect(odds([0.75, 0.25], [other, match])).toBeCloseTo(mean, 12);
  });

  it('show the mean of each kind over the positive parts that have it', () => {
    const parts = [part(0.25), part(0.75), part(-1)];
    const shown = meanSimilarities(parts, [match, { COUNTERPART: 0.5 }, { LEXICAL: 0.3 }]);
    expect(shown.COUNTERPART).toBeCloseTo(0.6, 12);
    expect(shown.LEXICAL).toBe(1);
  });

  it('add up to one score by one kind of evidence', () => {
    const parts = [part(0.25), part(0.75), part(-1)];
    const score = (similarities: readonly Similarities[]) =>
      combinedSimilarity(parts, similarities, 'COUNTERPART');
    expect(score([match, {}, other])).toBeCloseTo(0.25 * 0.9 - 0.1, 12);
    expect(score([match, {}, { COUNTERPART: -0.5 }])).toBeCloseTo(0.25 * 0.9, 12);
    expect(score([{}, {}, match])).toBeNull();
  });
});
