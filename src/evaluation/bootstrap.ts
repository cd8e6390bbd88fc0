/**
 * Intervals by the bootstrap (Efron 1979): each resample draws as many pairs as there are, with replacement, and computes every
 * figure on them. docs/evaluation.md has the formula.
 */
import { METRIC_NAMES, type MetricName } from '../domain/metric-values.js';
import type { QueryScores } from '../domain/metrics-scores.js';
import { createRandom } from '../encoder/math/random.js';

/** Both directions of one method on the rows of one part. */
export interface ScoredDirections {
  readonly i2t: QueryScores;
  readonly t2i: QueryScores;
}

/** [resamples] for each metric; NaN for a draw without a query that counts. */
export type Replicates = Readonly<Record<MetricName, Float64Array>>;
export interface MethodReplicates {
  readonly i2t: Replicates;
  readonly t2i: Replicates;
}

export interface ResampleOptions {
  readonly resamples: number;
  readonly seed: number;
  /** Draws of different parts are independent of each other, unless they share a population. */
  readonly part: 'seen' | 'unseen';
  /**
   * The number of pairs of the whole test set, where several parts have rows of it: `pairs` is the number of a row there, 0 …
   * population − 1. Each draw is then made once among all of them, and a part takes the weights of its rows, so that a row has
   * the same weight wherever it is measured. Null: each part draws among its own pairs.
   */
  readonly population?: number | null;
}

/**
 * The figures of each method on each draw of the pairs. All methods and both directions use the same draws, so that differences
 * between methods can be computed for each draw. An image and its captions are drawn together.
 *
 * @param methods on the same rows
 */
export function resample(
  methods: readonly ScoredDirections[],
  { resamples, seed, part, population = null }: ResampleOptions,
): MethodReplicates[] {
  const [first] = methods;
  if (first === undefined) return [];
  const units =
    population === null
      ? numberUnits(first.i2t.pairs, first.t2i.pairs)
      : { images: first.i2t.pairs, texts: first.t2i.pairs, count: population };
  const drawn = methods.map((method) => ({
    i2t: directionDraw(method.i2t, units.images, resamples),
    t2i: directionDraw(method.t2i, units.texts, resamples),
  }));
  const random = createRandom(seed, part === 'seen' || population !== null ? 301 : 302);
  const weights = new Int32Array(units.count);
  for (let draw = 0; draw < resamples; draw += 1) {
    weights.fill(0);
    for (let i = 0; i < units.count; i += 1) {
      const unit = Math.floor(random.uniform() * units.count);
      weights[unit] = (weights[unit] as number) + 1;
    }
    for (const method of drawn) {
      method.i2t.record(draw, weights);
      method.t2i.record(draw, weights);
    }
  }
  return drawn.map(({ i2t, t2i }) => ({ i2t: i2t.replicates, t2i: t2i.replicates }));
}

interface DirectionDraw {
  readonly replicates: Replicates;
  record(draw: number, weights: Int32Array): void;
}

function directionDraw(
  { values, firstRank }: QueryScores,
  unitOf: Int32Array,
  resamples: number,
): DirectionDraw {
  const replicates = Object.fromEntries(
    METRIC_NAMES.map((name) => [name, new Float64Array(resamples)]),
  ) as Record<MetricName, Float64Array>;
  const meanMetrics = Object.entries(values).map(([name, of]) => {
    const rows = [...of.keys()].filter((row) => !Number.isNaN(of[row]));
    return {
      target: replicates[name as MetricName],
      scores: Float64Array.from(rows, (row) => of[row] as number),
      units: Int32Array.from(rows, (row) => unitOf[row] as number),
    };
  });
  const ranked = [...firstRank.keys()]
    .filter((row) => !Number.isNaN(firstRank[row]))
    .sort((a, b) => (firstRank[a] as number) - (firstRank[b] as number));
  const ranks = Float64Array.from(ranked, (row) => firstRank[row] as number);
  const rankUnits = Int32Array.from(ranked, (row) => unitOf[row] as number);
  return {
    replicates,
    record(draw, weights) {
      for (const { target, scores, units } of meanMetrics)
        target[draw] = weightedMean(scores, units, weights);
      replicates.median_rank[draw] = weightedMedian(ranks, rankUnits, weights);
    },
  };
}

function weightedMean(scores: Float64Array, units: Int32Array, weights: Int32Array): number {
  let sum = 0;
  let count = 0;
  for (let i = 0; i < scores.length; i += 1) {
    const weight = weights[units[i] as number] as number;
    sum += weight * (scores[i] as number);
    count += weight;
  }
  return sum / count;
}

/** The median of ascending values; a value counts as often as its unit was drawn. */
function weightedMedian(ascending: Float64Array, units: Int32Array, weights: Int32Array): number {
  let count = 0;
  for (const unit of units) count += weights[unit] as number;
  if (count === 0) return Number.NaN;
  const [low, high] = [Math.ceil(count / 2), Math.floor(count / 2) + 1];
  let passed = 0;
  let lower = Number.NaN;
  for (let i = 0; i < ascending.length; i += 1) {
    passed += weights[units[i] as number] as number;
    if (Number.isNaN(lower) && passed >= low) lower = ascending[i] as number;
    if (passed >= high) return (lower + (ascending[i] as number)) / 2;
  }
  return lower;
}

/** A unit is what is drawn: a pair with all its images and texts, or an item without a pair. */
function numberUnits(images: Int32Array, texts: Int32Array) {
  const numbers = new Map<number, number>();
  let count = 0;
  const numberOf = (pair: number): number => {
    const known = pair < 0 ? undefined : numbers.get(pair);
    if (known !== undefined) return known;
    const number = count;
    count += 1;
    if (pair >= 0) numbers.set(pair, number);
    return number;
  };
  const units = { images: images.map(numberOf), texts: texts.map(numberOf) };
  return { ...units, count };
}

/**
 * The percentile interval: from the α/2 to the 1 − α/2 quantile of the replicates, with linear interpolation.
 *
 * @returns null where no draw has a value
 */
export function percentileInterval(
  replicates: Float64Array,
  confidence: number,
): readonly [low: number, high: number] | null {
  const sorted = replicates.filter((x) => !Number.isNaN(x)).sort();
  if (sorted.length === 0) return null;
  const quantile = (q: number) => {
    const index = q * (sorted.length - 1);
    const below = sorted[Math.floor(index)] as number;
    const above = sorted[Math.ceil(index)] as number;
    return below + (index - Math.floor(index)) * (above - below);
  };
  const tail = (1 - confidence) / 2;
  return [quantile(tail), quantile(1 - tail)];
}
