/**
 * Retrieval metrics over embeddings. docs/evaluation.md has the formulas, metrics-ranking.ts the order of a ranking, and
 * metrics-scores.ts the scores of a single query.
 *
 * A gallery item is *relevant* to a query if both have the same class. It is the query's *counterpart* if both belong to the
 * same pair. The functions are pure and deterministic.
 */
import {
  mean,
  median,
  PRECISION_CUT_OFFS,
  perCutOff,
  RECALL_CUT_OFFS,
  type RetrievalMetrics,
} from './metric-values.js';
import { chanceMetrics } from './metrics-chance.js';
import type { RetrievalSide } from './metrics-ranking.js';
import { type QueryMetric, type QueryScores, scoreQueries } from './metrics-scores.js';

export { createRanker, type RetrievalSide } from './metrics-ranking.js';

export interface DirectionReport {
  readonly metrics: RetrievalMetrics;
  /** Expected values for a random order of the gallery, for the same queries. */
  readonly chance: RetrievalMetrics;
  readonly counts: QueryCounts;
}

export interface QueryCounts {
  readonly queries: number;
  readonly gallery: number;
  /** Queries skipped in the class metrics: the gallery has no item of their class. */
  readonly withoutRelevant: number;
  /** Queries skipped in the counterpart metrics: the gallery has no counterpart. */
  readonly withoutCounterpart: number;
}

export interface RetrievalReport {
  readonly imageToText: DirectionReport;
  readonly textToImage: DirectionReport;
  /** The mean of both directions. */
  readonly mean: RetrievalMetrics;
  readonly chance: RetrievalMetrics;
}

/** Evaluates both directions, each with its values by chance. */
export function evaluateRetrieval(image: RetrievalSide, text: RetrievalSide): RetrievalReport {
  return reportOf(scoreQueries(image, text), scoreQueries(text, image));
}

/** The report of queries that are already scored. */
export function reportOf(images: QueryScores, texts: QueryScores): RetrievalReport {
  const imageToText = summarise(images);
  const textToImage = summarise(texts);
  return {
    imageToText,
    textToImage,
    mean: meanMetrics([imageToText.metrics, textToImage.metrics]),
    chance: meanMetrics([imageToText.chance, textToImage.chance]),
  };
}

/** Evaluates every query of one side against the whole other side. */
export function evaluateDirection(queries: RetrievalSide, gallery: RetrievalSide): DirectionReport {
  return summarise(scoreQueries(queries, gallery));
}

function summarise(scores: QueryScores): DirectionReport {
  const { values, firstRank, gallery } = scores;
  const counted = (numbers: ArrayLike<number>) => Array.from(numbers).filter((x) => !Number.isNaN(x));
  const meanOf = (metric: QueryMetric) => mean(counted(values[metric]));
  const relevant = Array.from(scores.relevant).filter((count) => count > 0);
  const counterparts = Array.from(scores.counterparts).filter((count) => count > 0);
  const queries = firstRank.length;
  return {
    metrics: {
      map: meanOf('map@all'),
      mapAt50: meanOf('map@50'),
      precision: perCutOff(PRECISION_CUT_OFFS, (k) => meanOf(`precision@${k}`)),
      ndcgAt10: meanOf('ndcg@10'),
      recall: perCutOff(RECALL_CUT_OFFS, (k) => meanOf(`recall@${k}`)),
      mrrAt10: meanOf('mrr@10'),
      medianRank: median(counted(firstRank)),
    },
    chance: chanceMetrics(gallery, relevant, counterparts),
    counts: {
      queries,
      gallery,
      withoutRelevant: queries - relevant.length,
      withoutCounterpart: queries - counterparts.length,
    },
  };
}

/** The mean of several reports, metric by metric; null if any report has none. */
export function meanMetrics(all: readonly RetrievalMetrics[]): RetrievalMetrics {
  const pick = (get: (m: RetrievalMetrics) => number | null) => {
    const values = all.map(get).filter((x) => x !== null);
    return values.length === all.length ? mean(values) : null;
  };
  return {
    map: pick((m) => m.map),
    mapAt50: pick((m) => m.mapAt50),
    precision: perCutOff(PRECISION_CUT_OFFS, (k) => pick((m) => m.precision[k])),
    ndcgAt10: pick((m) => m.ndcgAt10),
    recall: perCutOff(RECALL_CUT_OFFS, (k) => pick((m) => m.recall[k])),
    mrrAt10: pick((m) => m.mrrAt10),
    medianRank: pick((m) => m.medianRank),
  };
}
