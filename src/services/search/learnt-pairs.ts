import type { EncoderRow } from '../../catalog/types.js';
import type { ItemFilter } from '../../domain/filter.js';

/**
 * The items whose pairs an encoder learnt from, as a filter; null where its record does not say. No list of them is kept, for
 * a catalogue may have millions: what was held out follows from the seed (src/evaluation/pair-split.ts), the classes kept out,
 * the pictures allowed, and the moment at which the pairs were read. A text passes if it could be learnt from; whether
 * a picture of its pair passes, too, shows only together with it. Where classes were changed since, it is today's that count.
 */
export function learntFilter({ config }: Pick<EncoderRow, 'config'>): ItemFilter | null {
  const { seed, heldOutBelow, sourceReadAt, unseen, learnFrom } = config;
  if (seed === undefined || heldOutBelow === undefined || sourceReadAt === undefined) return null;
  return {
    createdBefore: new Date(sourceReadAt),
    pairPlace: { seed, least: heldOutBelow },
    ...(unseen !== undefined && unseen.length > 0 && { not: { classNames: unseen } }),
    ...(learnFrom && { or: [{ modality: 'TEXT' as const }, learnFrom] }),
  };
}
