import { describe, expect, it } from 'vitest';
import type { Evidence, Similarities } from '../../src/domain/evidence.js';
import { singleEvidence } from '../../src/domain/evidence.js';
import {
  bestOf,
  fuse,
  linearScore,
  probabilityOf,
  rankedHits,
  SHIPPED_COEFFICIENTS,
} from '../../src/domain/fusion.js';
import { borrowedSimilarity } from '../../src/services/search/borrowed-captions.js';

const { TEXT } = SHIPPED_COEFFICIENTS;
const candidate = (id: string, similarities: Similarities) => ({ id, similarities });

describe('fusion', () => {
  it('follows the formula for items with and without a counterpart', () => {
    const best = { counterpart: 0.8, lexical: 1 };
    const w = TEXT.withCounterpart;
    const o = TEXT.withoutCounterpart;
    expect(linearScore({ CONTENT: 0.9, COUNTERPART: 0.7, LEXICAL: 0.5 }, best, TEXT)).toBeCloseTo(
      w.constant +
        w.content * 0.9 +
        w.counterpart * 0.7 -
        w.counterpartGap * 0.1 +
        w.lexical * 0.5 -
        w.lexicalGap * 0.5,
      10,
    );
    expect(linearScore({ CONTENT: 0.9, BORROWED: 0.6, LEXICAL: 0 }, best, TEXT)).toBeCloseTo(
      o.constant +
        o.content * 0.9 -
        o.counterpartBest * 0.8 +
        o.borrowed * 0.6 -
        o.borrowedGap * 0.2 -
        o.lexicalBest * 1,
      10,
    );
  });

  it('never lowers a score for a higher similarity', () => {
    const kinds: readonly Evidence[] = ['CONTENT', 'COUNTERPART', 'LEXICAL', 'BORROWED'];
    const others = [candidate('x', { COUNTERPART: 0.9, LEXICAL: 1 })];
    for (const base of [
      { CONTENT: 0.2, BORROWED: 0.3, LEXICAL: 0.4 },
      { COUNTERPART: 0.5, LEXICAL: 0.4 },
    ]) {
      for (const kind of kinds.filter((one) => one in base)) {
        const scores = [0.1, 0.3, 0.6, 0.9].map((similarity) => {
          const all = [...others, candidate('y', { ...base, [kind]: similarity })];
          return fuse(all, TEXT).find((hit) => hit.candidate.id === 'y')?.score ?? Number.NaN;
        });
        expect(scores, kind).toEqual(scores.toSorted((a, b) => a - b));
      }
    }
  });

  it('treats missing evidence as missing: an item without a counterpart can be first', () => {
    const fused = fuse(
      [
        candidate('captioned', { CONTENT: 0.1, COUNTERPART: 0.2, LEXICAL: 0 }),
        candidate('bare', { CONTENT: 0.9 }),
      ],
      TEXT,
      undefined,
      { counterpart: 0.9, lexical: 1 },
    );
    expect(fused.map(({ candidate: { id } }) => id)).toEqual(['bare', 'captioned']);
  });

  it('lets a weight of 0 switch a kind of evidence off', () => {
    const weights = { content: 1, counterpart: 1, lexical: 0, borrowed: 1 };
    const best = { counterpart: 0.5, lexical: 1 };
    const score = (lexical: number) =>
      linearScore({ COUNTERPART: 0.5, LEXICAL: lexical }, best, TEXT, weights);
    expect(score(0.1)).toBe(score(1));
  });

  it('gives probabilities, ordered, ties by id, with the evidence of each item', () => {
    const candidates = [candidate('b', { COUNTERPART: 0.5 }), candidate('a', { COUNTERPART: 0.5 })];
    const hits = rankedHits(fuse(candidates, TEXT), () => 1);
    expect(hits.map(({ id }) => id)).toEqual(['a', 'b']);
    expect(hits[0]?.score).toBe(
      probabilityOf(linearScore({ COUNTERPART: 0.5 }, bestOf(candidates), TEXT), TEXT),
    );
    expect(hits[0]?.evidence).toEqual([{ evidence: 'COUNTERPART', rank: 1, similarity: 0.5 }]);
  });

  it('has no best similarity below 0', () => {
    expect(bestOf([candidate('a', { COUNTERPART: -0.2 })])).toEqual({ counterpart: 0, lexical: 0 });
  });
});

describe('borrowed similarity', () => {
  const at = (x: number, y: number) => Float32Array.of(x, y);
  const lenders = [
    { embedding: at(1, 0), similarity: 0.9 },
    { embedding: at(0, 1), similarity: 0.1 },
  ];

  it('is near that of a near neighbour, and near the lowest far from all', () => {
    expect(borrowedSimilarity(at(1, 0), lenders)).toBeGreaterThan(0.85);
    expect(borrowedSimilarity(at(-1, 0), lenders)).toBeLessThan(0.11);
    expect(borrowedSimilarity(at(0, 1), lenders)).toBeLessThan(0.11);
  });
});

describe('a single kind of evidence', () => {
  it('has the similarity as score, and ranks that continue those of the page before', () => {
    const hits = singleEvidence({ evidence: 'CONTENT', hits: [{ id: 'a', similarity: 0.5 }] }, 8);
    expect(hits).toEqual([
      { id: 'a', score: 0.5, evidence: [{ evidence: 'CONTENT', rank: 8, similarity: 0.5 }] },
    ]);
  });
});
