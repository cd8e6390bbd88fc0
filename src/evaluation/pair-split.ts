import { createHash } from 'node:crypto';
import { type PairTable, selectRows, uniqueClasses } from './source-set.js';

export interface SplitOptions {
  /** Whether a row may be learnt from; rows that may not are held out. */
  readonly learnable: (row: number) => boolean;
  /** Names of the classes to keep out of training. */
  readonly unseen: ReadonlySet<string>;
  /** Share of the other pairs to keep out, 0 to 1. */
  readonly holdout: number;
  readonly seed: number;
}

/** Parts of the catalogue's pairs; no row is in two of them. */
export interface Split {
  readonly source: PairTable;
  /** Held-out rows whose class the source has too (or that have none). */
  readonly seen: PairTable;
  /** Held-out rows whose class the source does not have. */
  readonly unseen: PairTable;
  /**
   * Of the pairs that could be learnt from, those with a `place` below this were held out. With the seed it tells years
   * later what an encoder was not trained on, however many pairs have come since.
   */
  readonly bound: number;
}

/**
 * What is learnt from, and what is measured on. Rows of one pair (an image with five captions) stay together. Where some
 * images are not to be learnt from, they alone are measured on; otherwise all that was kept out is.
 */
export function splitPairs(table: PairTable, options: SplitOptions): Split {
  const rows = table.pairs.map((_, row) => row);
  const candidates = rows.filter(
    (row) => options.learnable(row) && !options.unseen.has(table.classOf[row]?.name ?? ''),
  );
  const places = [...new Set(candidates.map((row) => table.pairs[row]?.pairId ?? ''))]
    .map((pairId) => placeOf(pairId, options.seed))
    .sort((a, b) => a - b);
  const count = Math.round(places.length * options.holdout);
  return splitAt(table, options, count < places.length ? (places[count] ?? 0) : PLACES, null);
}

/**
 * The same split again, of a catalogue that may have changed since. A pair that came later is taken for held out or for learnt
 * from by its place, as if it had been there; what was learnt from is not measured on.
 *
 * @param seenClassIds the classes that were learnt from, whatever classes the source has today
 */
export function splitAgain(
  table: PairTable,
  options: Omit<SplitOptions, 'holdout'>,
  bound: number,
  seenClassIds: readonly string[],
): Split {
  return splitAt(table, options, bound, new Set(seenClassIds));
}

function splitAt(
  table: PairTable,
  { learnable, unseen, seed }: Omit<SplitOptions, 'holdout'>,
  bound: number,
  classesThen: ReadonlySet<string> | null,
): Split {
  const rows = table.pairs.map((_, row) => row);
  const mayLearn = rows.map(learnable);
  const heldOut = rows.map((row) => placeOf(table.pairs[row]?.pairId ?? '', seed) < bound);
  const named = rows.map((row) => unseen.has(table.classOf[row]?.name ?? ''));
  // A class that came after the training was not learnt from, but one of its pairs may have been, under another class.
  const cameLater = (row: number) =>
    classesThen !== null && classesThen.size > 0 && !classesThen.has(table.classOf[row]?.id ?? '');
  const ofUnseen = rows.map((row) => named[row] || (table.classOf[row] !== null && cameLater(row)));
  const inSource = rows.map((row) => mayLearn[row] && !ofUnseen[row] && !heldOut[row]);
  const source = selectRows(table, (row) => inSource[row] === true);
  const seenIds = classesThen ?? new Set(uniqueClasses(source).map((row) => row.id));
  const isSeen = (row: number) => {
    const itsClass = table.classOf[row] ?? null;
    return itsClass === null || (seenIds.size === 0 && !ofUnseen[row]) || seenIds.has(itsClass.id);
  };
  const someMayNot = mayLearn.includes(false);
  const measured = (row: number) =>
    mayLearn[row] === false || (heldOut[row] === true && !named[row]) || (named[row] === true && !someMayNot);
  return {
    source,
    seen: selectRows(table, (row) => !inSource[row] && measured(row) && isSeen(row)),
    unseen: selectRows(table, (row) => !inSource[row] && measured(row) && !isSeen(row)),
    bound,
  };
}

/** Places go from 0 up to this. */
const PLACES = 2 ** 48;

/** Where a pair stands in a random order that only its id and the seed decide: 0 to 2⁴⁸ − 1. */
function placeOf(pairId: string, seed: number): number {
  return createHash('sha256').update(`${seed} ${pairId}`).digest().readUIntBE(0, 6);
}
