import type { CounterpartQuery, EmbeddingQuery } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import { extractorOf, type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import type { ReadQuery } from './query-reader.js';
import { type SearchRequest, scopeOf } from './search-request.js';
import { type Thresholds, thresholdsFor } from './similarity-threshold.js';

/** The rankings that a search is made of, of which at least one is not null. */
export interface RankingPlan {
  /** Modality of the results; null ranks both. */
  readonly target: Modality | null;
  readonly content: Omit<EmbeddingQuery, 'limit' | 'offset'> | null;
  readonly counterpart: Omit<CounterpartQuery, 'limit'> | null;
  /** Hits below are left out of that kind of evidence's ranking, before rankings are fused. */
  readonly thresholds: Thresholds;
}

/** @throws CommonspaceError NO_ENCODER, BAD_INPUT or NOT_CALIBRATED if the search cannot be made. */
export function planRanking(
  request: SearchRequest,
  query: ReadQuery,
  active: LoadedEncoder | null,
): RankingPlan {
  const scope = scopeOf(request);
  const content =
    request.by.includes('CONTENT') && active !== null && query.embedding !== null
      ? { ...scope, encoderId: active.row.id, vector: query.embedding }
      : null;
  const counterpart =
    request.by.includes('COUNTERPART') && query.modality !== null && query.feature !== null
      ? { ...scope, extractor: query.extractor, vector: query.feature, queryModality: query.modality }
      : null;
  if (content === null && counterpart === null) throw cannotCompare(request, query, active);
  const rankings = { target: scope.target, content, counterpart };
  return { ...rankings, thresholds: thresholdsFor(request, query, rankings, active) };
}

function cannotCompare(
  request: SearchRequest,
  query: ReadQuery,
  active: LoadedEncoder | null,
): CommonspaceError {
  if (active === null) return noEncoder('This search needs the common space, and no encoder is active.');
  if (query.modality === null) {
    return new CommonspaceError(
      'BAD_INPUT',
      'A vector of the common space is compared by CONTENT; it has no COUNTERPART.',
      ['by'],
    );
  }
  if (query.extractor !== extractorOf(active.row, query.modality)) {
    return noEncoder('The active encoder was trained on the features of another extractor.');
  }
  return new CommonspaceError('BAD_INPUT', 'This item has no embedding or feature to compare by.', [
    ...('itemId' in request.query ? ['query', 'itemId'] : ['by']),
  ]);
}
