/** Definitions shared by the retrieval metrics and their expected values by chance. */

export const PRECISION_CUT_OFFS = [1, 5, 10] as const;
type PrecisionCutOff = (typeof PRECISION_CUT_OFFS)[number];
export const RECALL_CUT_OFFS = [1, 5, 10] as const;
type RecallCutOff = (typeof RECALL_CUT_OFFS)[number];

/** Metrics with relevance = same class, by their names in reports. */
export const CLASS_METRICS = [
  'map@all',
  'map@50',
  'precision@1',
  'precision@5',
  'precision@10',
  'ndcg@10',
] as const;
/** Metrics with relevance = counterpart. */
export const COUNTERPART_METRICS = ['recall@1', 'recall@5', 'recall@10', 'mrr@10', 'median_rank'] as const;
export const METRIC_NAMES = [...CLASS_METRICS, ...COUNTERPART_METRICS] as const;
export type MetricName = (typeof METRIC_NAMES)[number];

/** Means over the queries that have a relevant item; null if none has. */
export interface RetrievalMetrics {
  /** Mean average precision over the whole gallery, relevance = same class. */
  readonly map: number | null;
  /** The same over the first 50 ranks, with denominator min(R, 50). */
  readonly mapAt50: number | null;
  /** Share of relevant items among the first k. */
  readonly precision: Readonly<Record<PrecisionCutOff, number | null>>;
  /** nDCG of the first 10, relevance = same class. */
  readonly ndcgAt10: number | null;
  /** Share of queries with a counterpart among the first k. */
  readonly recall: Readonly<Record<RecallCutOff, number | null>>;
  /** Reciprocal rank of the first counterpart, 0 beyond rank 10. */
  readonly mrrAt10: number | null;
  /** Median over queries of the first counterpart's rank. */
  readonly medianRank: number | null;
}

/** The metrics by their names in reports. */
export function metricsByName(m: RetrievalMetrics): Readonly<Record<MetricName, number | null>> {
  return {
    'map@all': m.map,
    'map@50': m.mapAt50,
    'precision@1': m.precision[1],
    'precision@5': m.precision[5],
    'precision@10': m.precision[10],
    'ndcg@10': m.ndcgAt10,
    'recall@1': m.recall[1],
    'recall@5': m.recall[5],
    'recall@10': m.recall[10],
    'mrr@10': m.mrrAt10,
    median_rank: m.medianRank,
  };
}

/** DCG@k of an ideal ranking: all relevant items first. */
export function idealDcg(relevant: number, k: number): number {
  let sum = 0;
  for (let rank = 1; rank <= Math.min(relevant, k); rank += 1) sum += 1 / Math.log2(rank + 1);
  return sum;
}

export function perCutOff<K extends number>(cutOffs: readonly K[], value: (k: K) => number | null) {
  return Object.fromEntries(cutOffs.map((k) => [k, value(k)])) as Record<K, number | null>;
}

export function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, x) => sum + x, 0) / values.length;
}

/** The middle value; for an even count, the mean of the two middle values. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[half] as number)
    : ((sorted[half - 1] as number) + (sorted[half] as number)) / 2;
}
