import { describe, expect, it } from 'vitest';
import { calibrationFigures, keptFigures } from '../../src/evaluation/calibration-figures.js';
import { rankingFigures, scoresOf } from '../../src/evaluation/ranking-figures.js';

describe('the figures of a ranking', () => {
  it('of one query', () => {
    const scores = scoresOf({ counterpart: [false, true, true], sameClass: [true, true, false] }, 3);
    expect(scores.top1).toBe(0);
    expect(scores['mrr@10']).toBe(0.5);
    expect(scores['recall@10']).toBe(1);
    expect(scores['class_precision@10']).toBe(0.2);
    const ideal = 1 + 1 / Math.log2(3) + 1 / 2;
    expect(scores['ndcg@10']).toBeCloseTo((1 / Math.log2(3) + 1 / 2) / ideal, 12);
  });

  it('are 0 without results', () => {
    expect(Object.values(scoresOf({ counterpart: [], sameClass: [] }, 1))).toEqual([0, 0, 0, 0, 0]);
  });

  it('are means with intervals that hold them', () => {
    const one = scoresOf({ counterpart: [true], sameClass: [true] }, 1);
    const none = scoresOf({ counterpart: [false], sameClass: [false] }, 1);
    const { top1, 'ndcg@10': ndcg } = rankingFigures([one, none, none, one, none], {
      seed: 3,
      resamples: 200,
    });
    expect(top1.value).toBeCloseTo(0.4, 12);
    expect(ndcg).toEqual(top1);
    expect(top1.low).toBeLessThan(0.4);
    expect(top1.high).toBeGreaterThan(0.4);
    expect(rankingFigures([], { seed: 3, resamples: 10 }).top1).toEqual({
      value: null,
      low: null,
      high: null,
    });
  });
});

describe('the calibration of scores', () => {
  it('is the mean distance of score and share right in ten bins', () => {
    const results = [
      { score: 0.95, right: true },
      { score: 0.95, right: false },
      { score: 0.15, right: false },
      { score: 1, right: true },
    ];
    const { results: n, meanScore, shareRight, ece } = calibrationFigures(results);
    expect(n).toBe(4);
    expect(meanScore).toBeCloseTo(3.05 / 4, 12);
    expect(shareRight).toBe(0.5);
    // The last bin holds three results: |2.9 − 2|; the second one: .15.
    expect(ece).toBeCloseTo((0.9 + 0.15) / 4, 12);
    expect(calibrationFigures([])).toEqual({ results: 0, meanScore: null, shareRight: null, ece: null });
  });

  it('a threshold keeps a share of right and of wrong results', () => {
    const results = [
      { score: 0.9, right: true },
      { score: 0.1, right: true },
      { score: 0.05, right: false },
      { score: 0.5, right: false },
      { score: 0.01, right: false },
    ];
    expect(keptFigures(results, 0.1)).toEqual({ right: 2, wrong: 3, rightKept: 1, wrongKept: 1 / 3 });
    expect(keptFigures([], 0.1)).toEqual({ right: 0, wrong: 0, rightKept: null, wrongKept: null });
  });
});
