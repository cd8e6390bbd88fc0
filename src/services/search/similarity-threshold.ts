import { CommonspaceError } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import type { Evidence } from '../../domain/rank-fusion.js';
import { extractorOf, type LoadedEncoder } from '../serving/active-encoder.js';
import type { ReadQuery } from './query-reader.js';
import type { SearchRequest } from './search-request.js';

/**
 * The least similarity of a result by each kind of evidence: `minScore` of the request, or with AUTO (`cutOff` in the API)
 * the threshold calibrated for the active encoder, the kind of evidence and the direction.
 */
export type Thresholds = Readonly<Partial<Record<Evidence, number>>>;

interface PlannedRankings {
  readonly target: Modality | null;
  readonly content: object | null;
  readonly counterpart: { readonly extractor: string } | null;
}

/** @throws CommonspaceError BAD_INPUT for a threshold that is out of range or contradicts the rest of the request. */
export function checkThreshold(
  { by, minScore, threshold }: Pick<SearchRequest, 'by' | 'minScore' | 'threshold'>,
  target: Modality | null,
): void {
  if (minScore !== null && by.length !== 1)
    throw badInput('minScore needs exactly one kind of evidence in `by`.', 'minScore');
  if (minScore !== null && !(minScore >= -1 && minScore <= 1))
    throw badInput('minScore must be between -1 and 1.', 'minScore');
  if (threshold !== 'AUTO') return;
  if (minScore !== null) throw badInput('Give minScore or cutOff: AUTO, not both.', 'cutOff');
  if (target === null) {
    throw badInput(
      'cutOff: AUTO needs a target: similarities within a modality and across modalities differ in size.',
      'target',
    );
  }
}

/**
 * The thresholds of the rankings that the plan has.
 *
 * @throws CommonspaceError NOT_CALIBRATED if AUTO is asked for and the active encoder has no threshold for this search.
 */
export function thresholdsFor(
  request: SearchRequest,
  query: ReadQuery,
  { target, content, counterpart }: PlannedRankings,
  active: LoadedEncoder | null,
): Thresholds {
  const [only] = request.by;
  if (request.minScore !== null && only !== undefined) return { [only]: request.minScore };
  if (request.threshold !== 'AUTO') return {};
  // The similarities of a class prototype are higher than those of a single text or picture.
  if (query.modality === null || 'className' in request.query) {
    throw badInput(
      'cutOff: AUTO is calibrated for queries that are a text or a picture; give minScore instead.',
      'cutOff',
    );
  }
  if (active === null) throw notCalibrated(content === null ? 'COUNTERPART' : 'CONTENT');
  const calibrated = active.row.config.cutOffs ?? [];
  const find = (evidence: Evidence): number => {
    const found = calibrated.find(
      (one) => one.evidence === evidence && one.query === query.modality && one.target === target,
    );
    if (found === undefined) throw notCalibrated(evidence);
    return found.threshold;
  };
  // Similarities of another extractor's features differ in size from those that were calibrated.
  if (counterpart !== null && counterpart.extractor !== extractorOf(active.row, query.modality)) {
    throw notCalibrated('COUNTERPART');
  }
  return {
    ...(content !== null && { CONTENT: find('CONTENT') }),
    ...(counterpart !== null && { COUNTERPART: find('COUNTERPART') }),
  };
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
