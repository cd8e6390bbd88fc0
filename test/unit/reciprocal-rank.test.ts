import { describe, expect, it } from 'vitest';
import type { Evidence } from '../../src/domain/evidence.js';
import { fuseByReciprocalRank } from '../../src/domain/reciprocal-rank.js';

const ranking = (evidence: Evidence, ids: readonly string[]) => ({
  evidence,
  hits: ids.map((id, i) => ({ id, similarity: 1 - i / 10 })),
});

describe('reciprocal rank fusion', () => {
  it('adds 1 / (60 + rank) of each ranking, and orders equal sums by id', () => {
    const fused = fuseByReciprocalRank([
      ranking('CONTENT', ['a', 'b', 'c']),
      ranking('COUNTERPART', ['b', 'a']),
    ]);
    expect(fused.map(({ id }) => id)).toEqual(['a', 'b', 'c']);
    expect(fused[0]?.score).toBeCloseTo(1 / 61 + 1 / 62, 12);
    expect(fused[2]?.score).toBeCloseTo(1 / 63, 12);
    expect(fused[1]?.evidence).toEqual([
      { evidence: 'CONTENT', rank: 2, similarity: 0.9 },
      { evidence: 'COUNTERPART', rank: 1, similarity: 1 },
    ]);
  });
});
