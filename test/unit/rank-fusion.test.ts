import { describe, expect, it } from 'vitest';
import { fuseByReciprocalRank, reciprocalRank, singleEvidence } from '../../src/domain/rank-fusion.js';

const hits = (...ids: string[]) => ids.map((id, i) => ({ id, similarity: 1 - i / 10 }));

describe('reciprocal rank fusion', () => {
  it('adds 1 / (60 + rank) of each ranking', () => {
    const fused = fuseByReciprocalRank([
      { evidence: 'CONTENT', hits: hits('a', 'b') },
      { evidence: 'COUNTERPART', hits: hits('b', 'c') },
    ]);
    expect(fused.map(({ id, score }) => [id, score])).toEqual([
      ['b', 1 / 62 + 1 / 61],
      ['a', 1 / 61],
      ['c', 1 / 62],
    ]);
  });

  it('lists the evidence of each item with rank and similarity', () => {
    const [first] = fuseByReciprocalRank([
      { evidence: 'CONTENT', hits: hits('a', 'b') },
      { evidence: 'COUNTERPART', hits: hits('b') },
    ]);
    expect(first?.evidence).toEqual([
      { evidence: 'CONTENT', rank: 2, similarity: 0.9 },
      { evidence: 'COUNTERPART', rank: 1, similarity: 1 },
    ]);
  });

  it('breaks ties by id', () => {
    const fused = fuseByReciprocalRank([
      { evidence: 'CONTENT', hits: hits('z') },
      { evidence: 'COUNTERPART', hits: hits('a') },
    ]);
    expect(fused.map(({ id }) => id)).toEqual(['a', 'z']);
  });

  it('ranks no item beyond a depth above one within it', () => {
    const depth = 200;
    const within = fuseByReciprocalRank([
      {
        evidence: 'CONTENT',
        hits: Array.from({ length: depth }, (_, i) => ({ id: `c${i}`, similarity: 0 })),
      },
      {
        evidence: 'COUNTERPART',
        hits: Array.from({ length: depth }, (_, i) => ({ id: `p${i}`, similarity: 0 })),
      },
    ]);
    expect(Math.min(...within.map(({ score }) => score))).toBeGreaterThan(reciprocalRank(depth + 1));
  });
});

describe('a single kind of evidence', () => {
  it('has the cosine similarity as score, and ranks that continue those of the page before', () => {
    expect(singleEvidence({ evidence: 'CONTENT', hits: hits('a') }, 21)).toEqual([
      { id: 'a', score: 1, evidence: [{ evidence: 'CONTENT', rank: 21, similarity: 1 }] },
    ]);
  });
});
