import { hash } from 'node:crypto';
import { type PairList, selectPairs, uniqueClasses } from './pair-table.js';
import { isNewTo } from './repeated-content.js';

export interface SplitOptions {
  /** Whether a row may be in the training set; the other rows are held out. */
  readonly learnable: (row: number) => boolean;
  /** Names of the classes to keep out of the training set. */
  readonly unseen: ReadonlySet<string>;
  /** Share of the other pairs to keep out, 0 to 1. */
  readonly holdout: number;
  readonly seed: number;
  /** `Split.bound` of an earlier split; it replaces `holdout`. */
  readonly bound?: number | null;
}

/**
 * Parts of the catalogue's pairs. No image and no text of `seen` and `unseen` has the content of an image or a text of
 * `source`, whatever its id.
 */
export interface Split {
  /** The training pairs. */
  readonly source: PairList;
  /** Held-out rows whose class is in the training set (or that have no class). */
  readonly seen: PairList;
  /** Held-out rows whose class is not in the training set. */
  readonly unseen: PairList;
  /** Rows that would be measured, but whose image or text has the content of a training item. */
  readonly repeated: number;
  /**
   * The pairs with a bucket below this bound were held out. With the seed it tells later which pairs an encoder was not
   * trained on, even if pairs were added since.
   */
  readonly bound: number;
}

/** The bound that holds out every pair: buckets are less than it. */
export const ALL_HELD_OUT = 2 ** 48;

/**
 * Splits pairs into the training set and what is measured. Rows of one pair (an image with five captions) stay together.
 *
 * Of a pair that is held out, all rows are measured; where the pair has rows that may not be in any training set, only these
 * are. A row is not measured if its image or its text has the content (the bytes) of a training item.
 */
export function splitTable(table: PairList, options: SplitOptions): Split {
  if (options.bound != null) return splitAt(table, options, options.bound, null);
  const rows = table.pairs.map((_, row) => row);
  const candidates = rows.filter(
    (row) => options.learnable(row) && !options.unseen.has(table.classOf[row]?.name ?? ''),
  );
  const buckets = [...new Set(candidates.map((row) => table.pairs[row]?.pairId ?? ''))]
    .map((pairId) => bucketOf(pairId, options.seed))
    .sort((a, b) => a - b);
  const count = Math.round(buckets.length * options.holdout);
  return splitAt(table, options, count < buckets.length ? (buckets[count] ?? 0) : ALL_HELD_OUT, null);
}

/**
 * The same split of a catalogue that may have changed since. The bucket of a pair that was added later decides whether it
 * counts as held out.
 *
 * @param seenClassIds the classes of the training set at the time of the training
 */
export function splitAgain(
  table: PairList,
  options: Omit<SplitOptions, 'holdout' | 'bound'>,
  bound: number,
  seenClassIds: readonly string[],
): Split {
  return splitAt(table, options, bound, new Set(seenClassIds));
}

function splitAt(
  table: PairList,
  { learnable, unseen, seed }: Omit<SplitOptions, 'holdout' | 'bound'>,
  bound: number,
  classesThen: ReadonlySet<string> | null,
): Split {
  const rows = table.pairs.map((_, row) => row);
  const mayLearn = rows.map(learnable);
  const heldOut = rows.map((row) => bucketOf(table.pairs[row]?.pairId ?? '', seed) < bound);
  const named = rows.map((row) => unseen.has(table.classOf[row]?.name ?? ''));
  const cameLater = (row: number) =>
    classesThen !== null && classesThen.size > 0 && !classesThen.has(table.classOf[row]?.id ?? '');
  const ofUnseen = rows.map((row) => named[row] || (table.classOf[row] !== null && cameLater(row)));
  // A pair whose class was added later may have been trained on under another class, so it is neither trained on nor measured.
  const maybeTrained = rows.map((row) => mayLearn[row] === true && !heldOut[row] && !named[row]);
  const source = selectPairs(table, (row) => maybeTrained[row] === true && !ofUnseen[row]);
  const seenIds = classesThen ?? new Set(uniqueClasses(source).map((row) => row.id));
  const isSeen = (row: number) => {
    const itsClass = table.classOf[row] ?? null;
    return itsClass === null || (seenIds.size === 0 && !ofUnseen[row]) || seenIds.has(itsClass.id);
  };
  const neverLearnable = new Set(table.pairs.filter((_, row) => !mayLearn[row]).map(({ pairId }) => pairId));
  const wanted = rows.filter((row) => {
    const { pairId = '' } = table.pairs[row] ?? {};
    return !mayLearn[row] || ((heldOut[row] || named[row]) && !neverLearnable.has(pairId));
  });
  const isNew = isNewTo(table.pairs.filter((_, row) => maybeTrained[row]));
  const measured = new Set(wanted.filter((row) => isNew(table.pairs[row] as PairList['pairs'][number])));
  return {
    source,
    seen: selectPairs(table, (row) => measured.has(row) && isSeen(row)),
    unseen: selectPairs(table, (row) => measured.has(row) && !isSeen(row)),
    repeated: wanted.length - measured.size,
    bound,
  };
}

/** The bucket of a pair, which depends on its id and the seed alone. catalog/vectors/filter-sql.ts has the same in SQL. */
function bucketOf(pairId: string, seed: number): number {
  return hash('sha256', `${seed} ${pairId}`, 'buffer').readUIntBE(0, 6);
}
