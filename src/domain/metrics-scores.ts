/** Scores of single queries. Metrics are their means; confidence intervals come from resampling the queries. */
import { rowOf } from './matrix.js';
import {
  type CLASS_METRICS,
  type COUNTERPART_METRICS,
  idealDcg,
  PRECISION_CUT_OFFS,
  RECALL_CUT_OFFS,
} from './metric-values.js';
import { createRanker, type RetrievalSide } from './metrics-ranking.js';

/** A metric that is defined for a single query. The median rank is defined for a set of queries only. */
export type QueryMetric =
  | (typeof CLASS_METRICS)[number]
  | Exclude<(typeof COUNTERPART_METRICS)[number], 'median_rank'>;

/** Queries of one direction, in the order of their rows; NaN if a query is skipped for a metric. */
export interface QueryScores {
  /** [queries] each */
  readonly values: Readonly<Record<QueryMetric, Float64Array>>;
  /** [queries]; rank of the first counterpart, from 1. */
  readonly firstRank: Float64Array;
  /** [queries]; number of relevant items and of counterparts in the gallery. */
  readonly relevant: Int32Array;
  readonly counterparts: Int32Array;
  /** [queries]; the query's pair, −1 for none. */
  readonly pairs: Int32Array;
  readonly gallery: number;
}

/** Scores every query of one side against the whole other side. */
export function scoreQueries(queries: RetrievalSide, gallery: RetrievalSide): QueryScores {
  const { rows, columns } = queries.embeddings;
  if (columns !== gallery.embeddings.columns) {
    throw new RangeError(`queries have ${columns} dimensions, the gallery has ${gallery.embeddings.columns}`);
  }
  const classSizes = countBy(gallery.classes);
  const pairSizes = countBy(gallery.pairs);
  const ranker = createRanker(gallery);
  const column = () => new Float64Array(rows).fill(Number.NaN);
  const values: Record<QueryMetric, Float64Array> = {
    'map@all': column(),
    'map@50': column(),
    'precision@1': column(),
    'precision@5': column(),
    'precision@10': column(),
    'ndcg@10': column(),
    'recall@1': column(),
    'recall@5': column(),
    'recall@10': column(),
    'mrr@10': column(),
  };
  const firstRank = column();
  const relevant = new Int32Array(rows);
  const counterparts = new Int32Array(rows);

  for (let q = 0; q < rows; q += 1) {
    const label = queries.classes[q] as number;
    const pair = queries.pairs[q] as number;
    const ofClass = label < 0 ? 0 : (classSizes.get(label) ?? 0);
    const ofPair = pair < 0 ? 0 : (pairSizes.get(pair) ?? 0);
    relevant[q] = ofClass;
    counterparts[q] = ofPair;
    if (ofClass === 0 && ofPair === 0) continue;
    const ranking = ranker(rowOf(queries.embeddings, q));
    if (ofClass > 0) scoreByClass(values, q, ranking, gallery.classes, label, ofClass);
    if (ofPair > 0) {
      const rank = firstRankOf(pair, ranking, gallery.pairs);
      firstRank[q] = rank;
      for (const k of RECALL_CUT_OFFS) values[`recall@${k}`][q] = rank <= k ? 1 : 0;
      values['mrr@10'][q] = rank <= 10 ? 1 / rank : 0;
    }
  }
  return {
    values,
    firstRank,
    relevant,
    counterparts,
    pairs: queries.pairs,
    gallery: gallery.embeddings.rows,
  };
}

/** Rank of the pair's first item, from 1. The gallery must contain the pair. */
function firstRankOf(pair: number, ranking: Int32Array, pairs: Int32Array): number {
  let rank = 1;
  while (pairs[ranking[rank - 1] as number] !== pair) rank += 1;
  return rank;
}

function scoreByClass(
  values: Readonly<Record<QueryMetric, Float64Array>>,
  query: number,
  ranking: Int32Array,
  classes: Int32Array,
  label: number,
  relevant: number,
): void {
  let hits = 0;
  let sum = 0;
  let sumAt50 = 0;
  let dcg = 0;
  const hitsAt = { 1: 0, 5: 0, 10: 0 };
  for (let rank = 1; rank <= ranking.length && hits < relevant; rank += 1) {
    if (classes[ranking[rank - 1] as number] !== label) continue;
    hits += 1;
    sum += hits / rank;
    if (rank <= 50) sumAt50 += hits / rank;
    if (rank <= 10) dcg += 1 / Math.log2(rank + 1);
    for (const k of PRECISION_CUT_OFFS) if (rank <= k) hitsAt[k] += 1;
  }
  values['map@all'][query] = sum / relevant;
  values['map@50'][query] = sumAt50 / Math.min(relevant, 50);
  values['ndcg@10'][query] = dcg / idealDcg(relevant, 10);
  for (const k of PRECISION_CUT_OFFS) values[`precision@${k}`][query] = hitsAt[k] / k;
}

function countBy(numbers: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const x of numbers) counts.set(x, (counts.get(x) ?? 0) + 1);
  return counts;
}
