/**
 * How a training on many pairs is bounded. Up to `MANY_PAIRS` pairs every step uses all of them, as it always did. Above, memory
 * and the time of each step do not depend on the number of pairs: what is fitted on all rows is fitted on a sample of them, or
 * in one pass over blocks. docs/decisions/0023-training-at-size.md has the reasons and the figures.
 */
import type { Rows } from '../../domain/matrix.js';
import { type Matrix, takeRows } from '../math/matrix.js';

/** Above this number of pairs, steps are budgeted instead of epochs, and fits use samples. */
export const MANY_PAIRS = 20_000;
/** Pairs of an epoch where there are more: a training takes as many steps as one on this many pairs. */
export const EPOCH_PAIRS = 20_000;
/** Rows that the normalisation and the logistic regressions are fitted on. */
export const FITTED_ROWS = 20_000;
/** Rows whose means and variances batch normalisation uses after training. */
export const STATISTICS_ROWS = 8_192;
/** Rows that give the scales of kept norms and the output projection. */
export const PROJECTED_ROWS = 8_192;
/** Upper limit of the pairs that a choice or the validation figure is measured on, whatever the number of pairs. */
export const VALIDATION_PAIRS = 2_000;
/** Rows that are in memory at once in a pass over all rows. */
const BLOCK_ROWS = 2_048;

/** The number of pairs that an epoch goes through. */
export function pairsOfAnEpoch(pairs: number): number {
  return pairs <= MANY_PAIRS ? pairs : EPOCH_PAIRS;
}

/**
 * All rows where there are up to `MANY_PAIRS` pairs; else `most` of them at even distances, ascending.
 *
 * @param pairs number of pairs, where the rows are not the pairs
 */
export function sampledRows(count: number, most: number, pairs = count): Int32Array {
  const taken = pairs <= MANY_PAIRS ? count : Math.min(count, most);
  return Int32Array.from({ length: taken }, (_, i) => Math.floor((i * count) / taken));
}

/** At most `most` of these indices, at even distances. */
export function atMost(indices: Int32Array, most: number): Int32Array {
  if (indices.length <= most) return indices;
  return Int32Array.from(
    { length: most },
    (_, i) => indices[Math.floor((i * indices.length) / most)] as number,
  );
}

/** A sample in memory. Rows in memory that are not more than `MANY_PAIRS` are returned as they are. */
export function sampleOf(rows: Rows, most: number): Matrix {
  if (rows.rows <= MANY_PAIRS && 'data' in rows) return rows;
  return takeRows(rows, sampledRows(rows.rows, most));
}

/** The rows in order, a block at a time, each with the index of its first row. */
export function* blocksOf(rows: Rows): Generator<{ readonly start: number; readonly block: Matrix }> {
  for (let start = 0; start < rows.rows; start += BLOCK_ROWS) {
    const length = Math.min(BLOCK_ROWS, rows.rows - start);
    yield {
      start,
      block: takeRows(
        rows,
        Int32Array.from({ length }, (_, i) => start + i),
      ),
    };
  }
}
