/** Figures of the first ten results of searches, with intervals. docs/evaluation.md has the formulas. */
import type { Estimate } from '../domain/evaluation-record.js';
import { idealDcg, mean } from '../domain/metric-values.js';
import { createRandom } from '../encoder/math/random.js';
import { percentileInterval } from './bootstrap.js';
import { CONFIDENCE } from './estimates.js';

/** Results that are looked at. */
export const FIRST_RESULTS = 10;

const RANKING_FIGURES = ['top1', 'ndcg@10', 'mrr@10', 'recall@10', 'class_precision@10'] as const;
export type RankingFigure = (typeof RANKING_FIGURES)[number];
export type RankingFigures = Readonly<Record<RankingFigure, Estimate>>;

/** The first results of one query by one method. */
export interface FirstResults {
  /** Whether each of the first ten, or fewer, is a counterpart of the query. */
  readonly counterpart: readonly boolean[];
  /** Whether each has a class of the query. */
  readonly sameClass: readonly boolean[];
}

/** @param relevant the number of counterparts in the gallery, at least 1 */
export function scoresOf(
  { counterpart, sameClass }: FirstResults,
  relevant: number,
): Record<RankingFigure, number> {
  const first = counterpart.indexOf(true);
  const dcg = counterpart.reduce((sum, right, i) => sum + (right ? 1 / Math.log2(i + 2) : 0), 0);
  return {
    top1: first === 0 ? 1 : 0,
    'ndcg@10': dcg / idealDcg(relevant, FIRST_RESULTS),
    'mrr@10': first < 0 ? 0 : 1 / (first + 1),
    'recall@10': first < 0 ? 0 : 1,
    'class_precision@10': sameClass.filter(Boolean).length / FIRST_RESULTS,
  };
}

/** Means over queries, with the percentile intervals of their bootstrap; all figures use the same draws. */
export function rankingFigures(
  scores: readonly Readonly<Record<RankingFigure, number>>[],
  { seed, resamples }: { readonly seed: number; readonly resamples: number },
): RankingFigures {
  const random = createRandom(seed, 311);
  const draws = Object.fromEntries(
    RANKING_FIGURES.map((name) => [name, new Float64Array(resamples)]),
  ) as Record<RankingFigure, Float64Array>;
  for (let draw = 0; draw < resamples; draw += 1) {
    for (let i = 0; i < scores.length; i += 1) {
      const drawn = scores[Math.floor(random.uniform() * scores.length)];
      if (drawn === undefined) continue;
      for (const name of RANKING_FIGURES) draws[name][draw] = (draws[name][draw] as number) + drawn[name];
    }
  }
  return Object.fromEntries(
    RANKING_FIGURES.map((name) => {
      const means = draws[name].map((sum) => sum / scores.length);
      const interval = percentileInterval(means, CONFIDENCE);
      const value = mean(scores.map((one) => one[name]));
      return [name, { value, low: interval?.[0] ?? null, high: interval?.[1] ?? null }];
    }),
  ) as Record<RankingFigure, Estimate>;
}
