import type { HealthFigures, QueryDrift } from './measure-drift.js';

/** Whether to train an encoder again. */
export interface Advice {
  /** `UNKNOWN`: too few queries were sampled to tell. */
  readonly advice: 'UNKNOWN' | 'STABLE' | 'WATCH' | 'TRAIN_AGAIN';
  /** What it follows from, one sentence each. */
  readonly reasons: readonly string[];
}

/** Of the stability index; the usual conventions. */
const SHIFT = { small: 0.1, large: 0.25 } as const;
/** By how much more queries may be below the threshold than items of the training set. */
const BELOW = { small: 0.1, large: 0.25 } as const;
/** Share of the items that were stored after the training. */
const NEW_ITEMS = { small: 0.2, large: 0.5 } as const;

interface Reason {
  readonly isLarge: boolean;
  readonly text: string;
}

/**
 * A shift counts only if queries find less similar items than the training set does: better hits are no reason to train. The distance
 * of the embeddings alone does not count, because people search with shorter texts than captions from the first day on.
 *
 * @param newItems share of the items that were stored after the training; null if that is not known
 */
export function adviceOf(queries: HealthFigures['queries'], newItems: number | null): Advice {
  const found = [...queries.flatMap(reasonsOf), ...reasonOfItems(newItems)];
  const reasons = found.map(({ text }) => text);
  if (found.some(({ isLarge }) => isLarge)) return { advice: 'TRAIN_AGAIN', reasons };
  if (found.length > 0) return { advice: 'WATCH', reasons };
  return { advice: queries.length === 0 ? 'UNKNOWN' : 'STABLE', reasons };
}

function reasonsOf(drift: QueryDrift): Reason[] {
  const { query, target, similarity, referenceSimilarity, stabilityIndex } = drift;
  const found: Reason[] = [];
  const of = `Queries by ${query} for ${target}`;
  if (stabilityIndex >= SHIFT.small && similarity < referenceSimilarity) {
    found.push({
      isLarge: stabilityIndex >= SHIFT.large,
      text: `${of} find less similar items than the training set does: ${similarity.toFixed(2)} against ${referenceSimilarity.toFixed(2)} on average, with a population stability index of ${stabilityIndex.toFixed(2)}.`,
    });
  }
  const { belowThreshold, referenceBelowThreshold } = drift;
  if (belowThreshold !== null && referenceBelowThreshold !== null) {
    const more = belowThreshold - referenceBelowThreshold;
    if (more >= BELOW.small) {
      found.push({
        isLarge: more >= BELOW.large,
        text: `${of} find nothing above the calibrated threshold in ${percent(belowThreshold)} of cases, the training set in ${percent(referenceBelowThreshold)}.`,
      });
    }
  }
  return found;
}

function reasonOfItems(share: number | null): Reason[] {
  if (share === null || share < NEW_ITEMS.small) return [];
  return [
    {
      isLarge: share >= NEW_ITEMS.large,
      text: `${percent(share)} of the items were stored after the training.`,
    },
  ];
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
