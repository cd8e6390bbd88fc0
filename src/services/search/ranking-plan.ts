import type { CounterpartQuery, EmbeddingQuery, ExpandedWords } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import { EVIDENCES, type Evidence } from '../../domain/evidence.js';
import type { ItemFilter } from '../../domain/filter.js';
import { EQUAL_WEIGHTS, type EvidenceWeights, type FusionCoefficients } from '../../domain/fusion.js';
import type { Modality } from '../../domain/modality.js';
import { extractorOf, type LoadedEncoder, noEncoder } from '../serving/active-encoder.js';
import { coefficientsFor } from './coefficients.js';
import { combinedEmbedding, type ReadPart } from './query-parts.js';
import { type SearchRequest, type SearchScope, scopeOf } from './search-request.js';
import { type Threshold, thresholdFor } from './similarity-threshold.js';

/** The rankings that a search is made of, of which at least one is not null. */
export interface RankingPlan {
  /** Modality of the results; null ranks both. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  /** By where all parts are together in the common space. */
  readonly content: Omit<EmbeddingQuery, 'limit' | 'offset'> | null;
  /** At least one of a positive weight. */
  readonly parts: readonly PlannedPart[];
  /** The kinds of evidence that the search asks for and the query has, in the order of EVIDENCES. */
  readonly evidence: ReadonlySet<Evidence>;
  /** How several kinds are fused; null with exactly one kind, whose similarity is the score. */
  readonly fusion: EvidenceWeights | null;
  /** Results with a lower score are left out; null leaves out none. */
  readonly threshold: Threshold;
}

/** What one query of the search is compared by, besides CONTENT. */
export interface PlannedPart {
  readonly weight: number;
  /** Also for BORROWED, which needs the similarities of items that have a counterpart. */
  readonly counterpart: Omit<CounterpartQuery, 'limit'> | null;
  readonly words: ExpandedWords | null;
  readonly coefficients: FusionCoefficients;
}

/** @throws CommonspaceError NO_ENCODER, BAD_INPUT or NOT_CALIBRATED if the search cannot be made. */
export function planRanking(
  request: SearchRequest,
  parts: readonly ReadPart[],
  active: LoadedEncoder | null,
): RankingPlan {
  const scope = scopeOf(request);
  const asked = new Set(request.by);
  const content = planContent(scope, asked, parts, active);
  const planned = parts.map((part) => planPart(scope, asked, part, active));
  const evidence = evidenceOf(asked, content !== null, planned);
  parts.forEach((part, i) => {
    const embedded = content !== null && part.read.embedding !== null;
    const own = evidenceOf(asked, embedded, planned.slice(i, i + 1));
    if (own.size === 0) throw cannotCompare(request, part, active);
  });
  return {
    ...scope,
    content,
    parts: planned,
    evidence,
    fusion: request.by.length > 1 ? { ...EQUAL_WEIGHTS, ...request.weights } : null,
    threshold: thresholdFor(request, parts, scope.target, active),
  };
}

function planContent(
  scope: SearchScope,
  asked: ReadonlySet<Evidence>,
  parts: readonly ReadPart[],
  active: LoadedEncoder | null,
): RankingPlan['content'] {
  const embedded = parts.some(({ read }) => read.embedding !== null);
  if (active === null || !embedded || !(asked.has('CONTENT') || asked.has('BORROWED'))) return null;
  const vector = combinedEmbedding(parts);
  if (vector === null) {
    throw new CommonspaceError('BAD_INPUT', 'The weights cancel: the parts add up to a zero vector.', [
      'query',
      'all',
    ]);
  }
  return { ...scope, encoderId: active.row.id, vector };
}

function planPart(
  scope: SearchScope,
  asked: ReadonlySet<Evidence>,
  { weight, read }: ReadPart,
  active: LoadedEncoder | null,
): PlannedPart {
  return {
    weight,
    counterpart:
      (asked.has('COUNTERPART') || asked.has('BORROWED')) && read.modality !== null && read.feature !== null
        ? { ...scope, extractor: read.extractor, vector: read.feature, queryModality: read.modality }
        : null,
    words: asked.has('LEXICAL') && read.words.units.length > 0 ? read.words : null,
    coefficients: coefficientsFor(read.modality, active),
  };
}

/** The kinds that are asked for and that any of the parts has. */
function evidenceOf(
  asked: ReadonlySet<Evidence>,
  content: boolean,
  parts: readonly PlannedPart[],
): ReadonlySet<Evidence> {
  const counterpart = parts.some((part) => part.counterpart !== null);
  const has: Readonly<Record<Evidence, boolean>> = {
    CONTENT: content,
    COUNTERPART: counterpart,
    LEXICAL: parts.some((part) => part.words !== null),
    BORROWED: content && counterpart,
  };
  return new Set(EVIDENCES.filter((kind) => asked.has(kind) && has[kind]));
}

function cannotCompare(
  request: SearchRequest,
  { query, read, field }: ReadPart,
  active: LoadedEncoder | null,
): CommonspaceError {
  // A part of several is named; for a single query, the kinds of evidence are.
  const at = field.length > 1 ? field : ['by'];
  const onlyWords = request.by.length === 1 && request.by[0] === 'LEXICAL';
  if (onlyWords) {
    return new CommonspaceError('BAD_INPUT', 'LEXICAL compares words, and this query has no words.', at);
  }
  if (active === null) return noEncoder('This search needs the common space, and no encoder is active.');
  if (read.modality === null) {
    return new CommonspaceError(
      'BAD_INPUT',
      'A vector of the common space is compared by CONTENT; it has no other evidence.',
      at,
    );
  }
  if (read.extractor !== extractorOf(active.row, read.modality)) {
    return noEncoder('The encoder was trained on the features of another extractor.');
  }
  return new CommonspaceError(
    'BAD_INPUT',
    'This item has no embedding or feature to compare by.',
    'itemId' in query ? [...field, 'itemId'] : at,
  );
}
