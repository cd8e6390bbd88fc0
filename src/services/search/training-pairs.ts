import type { EncoderRow } from '../../catalog/types.js';
import type { ItemFilter } from '../../domain/filter.js';

/**
 * A filter for the items of an encoder's training pairs; null if its record does not tell. A catalogue may have millions of
 * them, so no list is stored: the held-out pairs follow from the seed (src/evaluation/pair-split.ts), the unseen classes, the
 * filter for images, and the time at which the pairs were read. A text passes even if the image of its pair does not. Classes
 * that were changed since the training count as they are now.
 */
export function trainingPairsFilter({ config }: Pick<EncoderRow, 'config'>): ItemFilter | null {
  const { seed, heldOutBelow, sourceReadAt, unseen, learnFrom } = config;
  if (seed === undefined || heldOutBelow === undefined || sourceReadAt === undefined) return null;
  return {
    createdBefore: new Date(sourceReadAt),
    pairBucket: { seed, least: heldOutBelow },
    ...(unseen !== undefined && unseen.length > 0 && { not: { classNames: unseen } }),
    ...(learnFrom && { or: [{ modality: 'TEXT' as const }, learnFrom] }),
  };
}
