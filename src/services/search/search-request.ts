import type { Evidence } from '../../domain/evidence.js';
import type { ItemFilter } from '../../domain/filter.js';
import type { EvidenceWeights } from '../../domain/fusion.js';
import type { Modality } from '../../domain/modality.js';
import type { Arrangement } from './arrangement.js';
import type { CombinedQuery } from './query-parts.js';
import type { SearchQuery } from './query-reader.js';

/** Which similarity thresholds a search applies: see similarity-threshold.ts. */
type ThresholdMode = 'NONE' | 'AUTO';

export interface SearchRequest extends Arrangement {
  readonly query: SearchQuery | CombinedQuery;
  readonly target: Modality | null;
  readonly by: readonly Evidence[];
  readonly filter: ItemFilter | null;
  readonly first: number;
  readonly after: string | null;
  readonly minScore: number | null;
  /** AUTO: the calibrated threshold; see similarity-threshold.ts. NONE if not given. */
  readonly threshold?: ThresholdMode;
  /** How much each kind of evidence counts where several are fused; 1 where not given. */
  readonly weights?: Partial<EvidenceWeights>;
  /** How far the query moves towards its best results by CONTENT, 0 to 1; see domain/feedback.ts. 0 if not given. */
  readonly feedback?: number;
  /** The version to search with; the active one if null or not given. */
  readonly encoder?: string | null;
}

/** The items that a search ranks. */
export interface SearchScope {
  /** Null: both modalities. */
  readonly target: Modality | null;
  readonly filter: ItemFilter | null;
}

/**
 * A filter's modality becomes the target: searching one partition is faster than filtering both. A filter that
 * contradicts the target stays as it is, and matches nothing.
 */
export function scopeOf({ target, filter }: Pick<SearchRequest, 'target' | 'filter'>): SearchScope {
  const { modality, ...rest } = filter ?? {};
  if (modality === undefined || (target !== null && target !== modality)) return { target, filter };
  return { target: modality, filter: Object.keys(rest).length === 0 ? null : rest };
}
