import { CommonspaceError, type FieldPath } from '../../domain/errors.js';
import { LIMITS } from '../../domain/limits.js';

/**
 * The sizes of pairs while items are added to them. Items that leave a pair in the same batch still count, and two servers
 * that add to one pair at the same moment can exceed the limit by a batch.
 */
export class PairSizes {
  private readonly sizes: Map<string, number>;

  /** @param stored the number of items by the key of the pair */
  constructor(stored: ReadonlyMap<string, number>) {
    this.sizes = new Map(stored);
  }

  /**
   * Adds an item to a pair, if it is not in it already. A pair that an earlier version stored with more items can be
   * updated, but not grow.
   *
   * @throws CommonspaceError PAIR_TOO_LARGE
   */
  add(key: string | null, former: string | null, field: FieldPath): void {
    if (key === null || key === former) return;
    const size = (this.sizes.get(key) ?? 0) + 1;
    if (size > LIMITS.itemsPerPair) {
      throw new CommonspaceError(
        'PAIR_TOO_LARGE',
        `At most ${LIMITS.itemsPerPair} items can have the same pair key.`,
        field,
      );
    }
    this.sizes.set(key, size);
  }
}
