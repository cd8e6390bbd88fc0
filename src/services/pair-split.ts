import { createRandom, shuffle } from '../encoder/random.js';
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
}

/**
 * What is learnt from, and what is measured on. Rows of one pair (an image with five captions) stay together. Where some
 * images are not to be learnt from, they alone are measured on; otherwise all that was kept out is.
 */
export function splitPairs(table: PairTable, options: SplitOptions): Split {
  const rows = table.pairs.map((_, row) => row);
  const ofUnseen = rows.map((row) => options.unseen.has(table.classOf[row]?.name ?? ''));
  const learnable = rows.map(options.learnable);
  const heldOut = chooseHeldOut(table, (row) => learnable[row] === true && !ofUnseen[row], options);
  const inSource = rows.map(
    (row) => learnable[row] && !ofUnseen[row] && !heldOut.has(table.pairs[row]?.pairId ?? ''),
  );
  const source = selectRows(table, (row) => inSource[row] === true);
  const seenIds = new Set(uniqueClasses(source).map((row) => row.id));
  const isSeen = (row: number) => {
    const itsClass = table.classOf[row] ?? null;
    return itsClass === null || (seenIds.size === 0 && !ofUnseen[row]) || seenIds.has(itsClass.id);
  };
  const measured = learnable.includes(false)
    ? (row: number) => !learnable[row] || heldOut.has(table.pairs[row]?.pairId ?? '')
    : (row: number) => !inSource[row];
  return {
    source,
    seen: selectRows(table, (row) => !inSource[row] && measured(row) && isSeen(row)),
    unseen: selectRows(table, (row) => !inSource[row] && measured(row) && !isSeen(row)),
  };
}

/** Pairs kept out of training, chosen by seed from those that could be learnt from. */
function chooseHeldOut(
  table: PairTable,
  candidate: (row: number) => boolean,
  { holdout, seed }: SplitOptions,
): ReadonlySet<string> {
  const ids = [...new Set(table.pairs.filter((_, row) => candidate(row)).map((pair) => pair.pairId))].sort();
  const order = shuffle(
    Int32Array.from(ids, (_, i) => i),
    createRandom(seed),
  );
  const count = Math.round(ids.length * holdout);
  return new Set(Array.from(order.subarray(0, count), (i) => ids[i] ?? ''));
}
