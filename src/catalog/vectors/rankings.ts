import type { ItemFilter } from '../../domain/filter.js';
import type { Modality } from '../../domain/modality.js';
import type { Hit, Ranking } from '../types.js';

/** The order of every ranking: similarity descending, then id ascending. */
export function closestFirst(a: Hit, b: Hit): number {
  return b.similarity - a.similarity || (a.id < b.id ? -1 : 1);
}

/** The first `limit` of several rankings of different items. */
export function merge(rankings: readonly Ranking[], limit: number): Ranking {
  const hits = rankings.flatMap((part) => part.hits).sort(closestFirst);
  return { hits: hits.slice(0, limit), approximate: rankings.some((part) => part.approximate) };
}

/** A filter that is about nothing but the modality says the same as a target, and a target is quicker. */
export function simplify(
  target: Modality | null,
  filter: ItemFilter | null,
): { target: Modality | null; filter: ItemFilter | null; impossible: boolean } {
  const { modality, ...rest } = filter ?? {};
  if (modality === undefined) return { target, filter, impossible: false };
  return {
    target: modality,
    filter: Object.keys(rest).length === 0 ? null : rest,
    impossible: target !== null && target !== modality,
  };
}
