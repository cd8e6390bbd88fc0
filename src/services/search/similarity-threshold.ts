import { CommonspaceError } from '../../domain/errors.js';
import type { Evidence } from '../../domain/evidence.js';
import type { Modality } from '../../domain/modality.js';
import { extractorOf, type LoadedEncoder } from '../serving/active-encoder.js';
import type { ReadPart } from './query-parts.js';
import type { SearchRequest } from './search-request.js';

/**
 * The least score of a result, null for none: `minScore` of the request, or with AUTO (`cutOff` in the API) a calibrated one.
 * With one kind of evidence that is the similarity calibrated for the active encoder and the direction, with several a
 * probability.
 */
export type Threshold = number | null;

/**
 * Of fused searches: the probability below which AUTO leaves results out. docs/search.md has the shares of wrong and right
 * results that it keeps, by form of the query.
 */
export const LEAST_PROBABILITY = 0.25;

/** @throws CommonspaceError BAD_INPUT for a threshold that is out of range or contradicts the rest of the request. */
export function checkThreshold(
  { by, minScore, threshold }: Pick<SearchRequest, 'by' | 'minScore' | 'threshold'>,
  target: Modality | null,
): void {
  const least = by.length === 1 ? -1 : 0;
  if (minScore !== null && !(minScore >= least && minScore <= 1))
    throw badInput(
      `minScore must be between ${least} and 1: ${by.length === 1 ? 'a similarity' : 'a probability'}.`,
      'minScore',
    );
  if (threshold !== 'AUTO') return;
  if (minScore !== null) throw badInput('Give minScore or cutOff: AUTO, not both.', 'cutOff');
  if (target === null && by.length === 1) {
    throw badInput(
      'cutOff: AUTO with one kind of evidence needs a target: similarities within a modality and across modalities differ in size.',
      'target',
    );
  }
}

/**
 * The threshold of a search.
 *
 * @throws CommonspaceError NOT_CALIBRATED if AUTO is asked for with one kind of evidence and the active encoder has no
 * threshold for it.
 */
export function thresholdFor(
  request: SearchRequest,
  parts: readonly ReadPart[],
  target: Modality | null,
  active: LoadedEncoder | null,
): Threshold {
  if (request.threshold !== 'AUTO') return request.minScore;
  // The similarities of a class prototype are higher than those of a single text or picture.
  if (parts.some(({ query, read }) => read.modality === null || 'className' in query)) {
    throw badInput(
      'cutOff: AUTO is calibrated for queries that are a text or a picture; give minScore instead.',
      'cutOff',
    );
  }
  const [evidence] = request.by;
  if (request.by.length > 1 || evidence === undefined) return LEAST_PROBABILITY;
  const [part] = parts;
  if (parts.length > 1 || part === undefined || part.read.modality === null) {
    throw badInput(
      'cutOff: AUTO with one kind of evidence is calibrated for one query; give minScore instead.',
      'cutOff',
    );
  }
  const { modality, extractor } = part.read;
  if (active === null) throw notCalibrated(evidence);
  // Similarities of another extractor's features differ in size from those that were calibrated.
  if (evidence === 'COUNTERPART' && extractor !== extractorOf(active.row, modality)) {
    throw notCalibrated(evidence);
  }
  const found = active.row.config.cutOffs?.find(
    (one) => one.evidence === evidence && one.query === modality && one.target === target,
  );
  if (found === undefined) throw notCalibrated(evidence);
  return found.threshold;
}

function badInput(message: string, field: string): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', message, [field]);
}

function notCalibrated(evidence: Evidence): CommonspaceError {
  return new CommonspaceError(
    'NOT_CALIBRATED',
    `There is no calibrated cut-off for ${evidence}. Train an encoder with pairs held out (\`commonspace train --holdout 0.1\`, ` +
      'which is the default), or give minScore.',
    ['cutOff'],
  );
}
