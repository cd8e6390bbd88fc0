import type { CounterpartQuery, EmbeddingQuery, ExpandedWords } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { Evidence } from '../../domain/evidence.js';
import type { ItemFilter } from '../../domain/filter.js';
import { EQUAL_WEIGHTS, type EvidenceWeights, type FusionCoefficients } from '../../domain/fusion.js';
import type { Modality } from '../../domain/modality.js';
import { extractorOf, type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import { coefficientsFor } from './coefficients.js';
import type { ReadQuery } from './query-reader.js';
import { type SearchRequest, scopeOf } from './search-request.js';
import { type Threshold, thresholdFor } from './similarity-threshold.js';

/** The rankings that a search is made of, of which at least one is not null. */
export interface RankingPlan {
  /** Modality of the results; null ranks both. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  readonly content: Omit<EmbeddingQuery, 'limit' | 'offset'> | null;
  /** Also for BORROWED, which needs the similarities of items that have a counterpart. */
  readonly counterpart: Omit<CounterpartQuery, 'limit'> | null;
  readonly words: ExpandedWords | null;
  /** The kinds of evidence that the search asks for and the query has, in the order of EVIDENCES. */
  readonly evidence: ReadonlySet<Evidence>;
  /** How several kinds are fused; null with exactly one kind, whose similarity is the score. */
  readonly fusion: {
    readonly coefficients: FusionCoefficients;
    readonly weights: EvidenceWeights;
  } | null;
  /** Results with a lower score are left out; null leaves out none. */
  readonly threshold: Threshold;
}

/** @throws CommonspaceError NO_ENCODER, BAD_INPUT or NOT_CALIBRATED if the search cannot be made. */
export function planRanking(
  request: SearchRequest,
  query: ReadQuery,
  active: LoadedEncoder | null,
): RankingPlan {
  const scope = scopeOf(request);
  const asked = new Set(request.by);
  const embedded = active !== null && query.embedding !== null;
  const content =
    embedded && (asked.has('CONTENT') || asked.has('BORROWED'))
      ? { ...scope, encoderId: active.row.id, vector: query.embedding }
      : null;
  const counterpart =
    (asked.has('COUNTERPART') || asked.has('BORROWED')) && query.modality !== null && query.feature !== null
      ? { ...scope, extractor: query.extractor, vector: query.feature, queryModality: query.modality }
      : null;
  const words = asked.has('LEXICAL') && query.words.units.length > 0 ? query.words : null;
  const has: Readonly<Record<Evidence, boolean>> = {
    CONTENT: content !== null,
    COUNTERPART: counterpart !== null,
    LEXICAL: words !== null,
    BORROWED: content !== null && counterpart !== null,
  };
  const evidence = new Set([...asked].filter((kind) => has[kind]));
  if (evidence.size === 0) throw cannotCompare(request, query, active);
  return {
    ...scope,
    content,
    counterpart,
    words,
    evidence,
    fusion:
      request.by.length > 1
        ? {
            coefficients: coefficientsFor(query.modality, active),
            weights: { ...EQUAL_WEIGHTS, ...request.weights },
          }
        : null,
    threshold: thresholdFor(request, query, { target: scope.target, counterpart }, active),
  };
}

function cannotCompare(
  request: SearchRequest,
  query: ReadQuery,
  active: LoadedEncoder | null,
): CommonspaceError {
  const onlyWords = request.by.length === 1 && request.by[0] === 'LEXICAL';
  if (onlyWords) {
    return new CommonspaceError('BAD_INPUT', 'LEXICAL compares words, and this query has none.', ['by']);
  }
  if (active === null) return noEncoder('This search needs the common space, and no encoder is active.');
  if (query.modality === null) {
    return new CommonspaceError(
      'BAD_INPUT',
      'A vector of the common space is compared by CONTENT; it has no other evidence.',
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
