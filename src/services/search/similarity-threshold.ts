import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import type { Modality } from '../../domain/modality.js';
import type { Evidence } from '../../domain/rank-fusion.js';
import type { LoadedEncoder } from '../serving/active-encoder.js';
import type { SearchQuery } from './query-reader.js';
import type { LeastSimilarity, RankingPlan } from './ranking.js';

export type CutOffMode = 'NONE' | 'AUTO';

interface Asked {
  readonly query: SearchQuery;
  readonly by: readonly Evidence[];
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
  readonly minScore: number | null;
  readonly cutOff?: CutOffMode;
}

/** @throws CommonspaceError BAD_INPUT for a cut-off that contradicts the rest of the request. */
export function checkCutOff(asked: Asked): void {
  if (asked.cutOff !== 'AUTO') return;
  if (asked.minScore !== null) {
    throw new CommonspaceError('BAD_INPUT', 'Give minScore or cutOff: AUTO, not both.', ['cutOff']);
  }
  if (targetOf(asked) === null) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'cutOff: AUTO needs a target: similarities within a modality and across are of different size.',
      ['target'],
    );
  }
}

/**
 * The least similarity of each ranking that takes part: minScore, or what was calibrated for its direction.
 *
 * @throws CommonspaceError NOT_CALIBRATED where AUTO is asked for and the active encoder has nothing to go by.
 */
export function leastSimilarity(
  asked: Asked,
  plan: Pick<RankingPlan, 'content' | 'counterpart'>,
  query: Modality | null,
  active: LoadedEncoder | null,
): LeastSimilarity {
  const [only] = asked.by;
  if (asked.minScore !== null && only !== undefined) return { [only]: asked.minScore };
  const target = targetOf(asked);
  if (asked.cutOff !== 'AUTO' || target === null) return {};
  // A prototype is closer to everything than a single text or picture is.
  if (query === null || 'className' in asked.query) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'cutOff: AUTO is calibrated for queries that are a text or a picture; give minScore instead.',
      ['cutOff'],
    );
  }
  const cutOffs = active === null ? [] : (active.row.config.cutOffs ?? []);
  const find = (evidence: Evidence): number => {
    const found = cutOffs.find((c) => c.evidence === evidence && c.query === query && c.target === target);
    if (found === undefined || !measuredWith(evidence, query, plan, active)) throw notCalibrated(evidence);
    return found.threshold;
  };
  return {
    ...(plan.content !== null && { CONTENT: find('CONTENT') }),
    ...(plan.counterpart !== null && { COUNTERPART: find('COUNTERPART') }),
  };
}

/** Features of another extractor than the encoder's have similarities of their own size. */
function measuredWith(
  evidence: Evidence,
  query: Modality,
  { counterpart }: Pick<RankingPlan, 'counterpart'>,
  active: LoadedEncoder | null,
): boolean {
  if (evidence === 'CONTENT') return true;
  const extractor = query === 'IMAGE' ? active?.row.imageExtractor : active?.row.textExtractor;
  return counterpart?.extractor === extractor;
}

function targetOf({ target, filter }: Asked): Modality | null {
  return target ?? filter?.modality ?? null;
}

function notCalibrated(evidence: Evidence): CommonspaceError {
  return new CommonspaceError(
    'NOT_CALIBRATED',
    `There is no calibrated cut-off for ${evidence}. Train an encoder with pairs held out (\`commonspace train --holdout 0.1\`, ` +
      'which is the default), or give minScore.',
    ['cutOff'],
  );
}
