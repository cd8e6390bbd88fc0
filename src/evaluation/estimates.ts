/** From the scores of queries to figures with intervals, and to harmonic means of two parts. */
import type { Estimate, Estimates, Method, MethodFigures } from '../domain/evaluation-record.js';
import {
  METRIC_NAMES,
  type MetricName,
  mean,
  metricsByName,
  type RetrievalMetrics,
} from '../domain/metric-values.js';
import { meanMetrics, type QueryCounts, reportOf } from '../domain/metrics.js';
import {
  percentileInterval,
  type Replicates,
  type ResampleOptions,
  resample,
  type ScoredDirections,
} from './bootstrap.js';

export const CONFIDENCE = 0.95;
/** Resamples of the bootstrap by default. */
export const RESAMPLES = 1000;

const DIRECTIONS = ['i2t', 't2i', 'avg'] as const;
type Direction = (typeof DIRECTIONS)[number];

/** A method's figures with the replicates of their intervals; chance has none. */
export interface EstimatedMethod {
  readonly method: Method;
  readonly values: Readonly<Record<Direction, Readonly<Record<MetricName, number | null>>>>;
  readonly replicates: Readonly<Record<Direction, Replicates>> | null;
}

export interface EstimatedPart {
  /** Chance is the last. */
  readonly methods: readonly EstimatedMethod[];
  readonly counts: { readonly i2t: QueryCounts; readonly t2i: QueryCounts };
}

/**
 * @param scored one entry for each method, on the same rows; at least one
 * @param options with 0 resamples there are no intervals
 */
export function estimatePart(
  scored: readonly (ScoredDirections & { readonly method: Method })[],
  options: ResampleOptions,
): EstimatedPart {
  const replicates = resample(scored, options);
  const reports = scored.map(({ i2t, t2i }) => reportOf(i2t, t2i));
  const [report] = reports;
  if (report === undefined) throw new RangeError('no method to measure');
  const methods = scored.map(({ method }, i): EstimatedMethod => {
    const { imageToText, textToImage, mean } = reports[i] ?? report;
    const { i2t, t2i } = replicates[i] as (typeof replicates)[number];
    return {
      method,
      values: valuesOf(imageToText.metrics, textToImage.metrics, mean),
      replicates: { i2t, t2i, avg: combine(i2t, t2i, (a, b) => (a + b) / 2) },
    };
  });
  const { imageToText, textToImage } = report;
  const chance: EstimatedMethod = {
    method: 'chance',
    values: valuesOf(
      imageToText.chance,
      textToImage.chance,
      meanMetrics([imageToText.chance, textToImage.chance]),
    ),
    replicates: null,
  };
  return {
    methods: [...methods, chance],
    counts: { i2t: imageToText.counts, t2i: textToImage.counts },
  };
}

/**
 * The harmonic mean of each figure on seen and on unseen classes, as generalised zero-shot learning uses it (Xian et al. 2017):
 * it is high only if both are. A median rank, where less is better, has none.
 */
export function harmonicMeans(seen: EstimatedPart, unseen: EstimatedPart): EstimatedMethod[] {
  return seen.methods.flatMap((ofSeen) => {
    const ofUnseen = unseen.methods.find(({ method }) => method === ofSeen.method);
    if (ofUnseen === undefined) return [];
    const values = eachDirection((direction) =>
      eachMetric((name) => {
        const [s, u] = [ofSeen.values[direction][name], ofUnseen.values[direction][name]];
        return s === null || u === null || name === 'median_rank' ? null : harmonic(s, u);
      }),
    );
    const { replicates: s } = ofSeen;
    const { replicates: u } = ofUnseen;
    const replicates =
      s === null || u === null
        ? null
        : eachDirection((direction) => combine(s[direction], u[direction], harmonic));
    return [{ method: ofSeen.method, values, replicates }];
  });
}

/**
 * The mean over several parts of each figure and of each draw; null where a part lacks one. Parts with common rows must have
 * drawn from one population: with independent draws the interval would be too narrow.
 */
export function meanOfParts(parts: readonly (readonly EstimatedMethod[])[]): EstimatedMethod[] {
  const [first = []] = parts;
  return first.flatMap(({ method }) => {
    const all = parts.map((part) => part.find((other) => other.method === method));
    if (!all.every((one) => one !== undefined)) return [];
    const values = eachDirection((direction) =>
      eachMetric((name) => {
        const known = all.map((one) => one.values[direction][name]).filter((x) => x !== null);
        return known.length === all.length ? mean(known) : null;
      }),
    );
    const drawn = all.map(({ replicates }) => replicates).filter((x) => x !== null);
    const replicates =
      drawn.length < all.length
        ? null
        : eachDirection((direction) =>
            eachMetric((name) => {
              const sum = new Float64Array(drawn[0]?.[direction][name].length ?? 0);
              for (const one of drawn) {
                one[direction][name].forEach((x, draw) => {
                  sum[draw] = (sum[draw] as number) + x / drawn.length;
                });
              }
              return sum;
            }),
          );
    return [{ method, values, replicates }];
  });
}

/** The figures with their intervals, as they are stored and printed. */
export function methodFigures({ method, values, replicates }: EstimatedMethod): MethodFigures {
  const estimates = (direction: Direction): Estimates =>
    eachMetric((name) => estimate(values[direction][name], replicates?.[direction][name] ?? null));
  return { method, i2t: estimates('i2t'), t2i: estimates('t2i'), avg: estimates('avg') };
}

/** The difference to another method of the mean of both directions; its interval is that of the differences of each draw. */
export function differenceEstimate(
  ours: EstimatedMethod,
  other: EstimatedMethod,
  metric: MetricName,
): Estimate {
  const [a, b] = [ours.values.avg[metric], other.values.avg[metric]];
  const drawn = ours.replicates?.avg[metric].map(
    (x, draw) => x - (other.replicates?.avg[metric][draw] ?? Number.NaN),
  );
  return estimate(a === null || b === null ? null : a - b, drawn ?? null);
}

function estimate(value: number | null, replicates: Float64Array | null): Estimate {
  const interval = value === null || replicates === null ? null : percentileInterval(replicates, CONFIDENCE);
  return { value, low: interval?.[0] ?? null, high: interval?.[1] ?? null };
}

function valuesOf(
  i2t: RetrievalMetrics,
  t2i: RetrievalMetrics,
  avg: RetrievalMetrics,
): EstimatedMethod['values'] {
  return { i2t: metricsByName(i2t), t2i: metricsByName(t2i), avg: metricsByName(avg) };
}

/** Draw by draw. */
function combine(a: Replicates, b: Replicates, join: (x: number, y: number) => number): Replicates {
  return eachMetric((name) => a[name].map((x, draw) => join(x, b[name][draw] as number)));
}

function eachDirection<T>(each: (direction: Direction) => T): Record<Direction, T> {
  return Object.fromEntries(DIRECTIONS.map((direction) => [direction, each(direction)])) as Record<
    Direction,
    T
  >;
}

function eachMetric<T>(each: (name: MetricName) => T): Record<MetricName, T> {
  return Object.fromEntries(METRIC_NAMES.map((name) => [name, each(name)])) as Record<MetricName, T>;
}

function harmonic(a: number, b: number): number {
  return a + b === 0 ? 0 : (2 * a * b) / (a + b);
}
