/** Distances of two samples: pure. */
import { type Matrix, rowOf } from '../../domain/matrix.js';

/** Bins of the population stability index: tenths of the reference. */
const BINS = 10;

/**
 * The population stability index of a sample against a reference: Σ (p − q)·ln(p/q) over bins that each have a tenth of the reference, with
 * half an element added to each bin, less what chance adds on average, (bins − 1)·(1/n + 1/m), and at least 0. By convention .1 is a small
 * shift and .25 a large one.
 */
export function stabilityIndex(sample: readonly number[], reference: readonly number[]): number {
  const sorted = [...reference].sort((a, b) => a - b);
  const edges = Array.from(
    { length: BINS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / BINS)] as number,
  );
  const shares = (values: readonly number[]) => {
    const counts = new Array<number>(BINS).fill(0.5);
    for (const value of values) {
      const bin = edges.findIndex((edge) => value < edge);
      const at = bin < 0 ? BINS - 1 : bin;
      counts[at] = (counts[at] as number) + 1;
    }
    return counts.map((count) => count / (values.length + BINS / 2));
  };
  const [p, q] = [shares(sample), shares(reference)];
  const index = p.reduce(
    (sum, share, i) => sum + (share - (q[i] as number)) * Math.log(share / (q[i] as number)),
    0,
  );
  return Math.max(0, index - (BINS - 1) * (1 / sample.length + 1 / reference.length));
}

/**
 * The energy distance of two samples of vectors (Székely and Rizzo 2013), as a share of its greatest value: (2·E‖X−Y‖ − E‖X−X′‖ − E‖Y−Y′‖) /
 * 2·E‖X−Y‖, with means over distinct pairs, so that two samples of one distribution have 0 on average. At least 0.
 *
 * @param a [n, d], n ≥ 2; @param b [m, d], m ≥ 2
 */
export function energyDistance(a: Matrix, b: Matrix): number {
  const between = meanDistance(a, b);
  if (between === 0) return 0;
  return Math.max(0, (2 * between - meanWithin(a) - meanWithin(b)) / (2 * between));
}

function meanDistance(a: Matrix, b: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i += 1)
    for (let j = 0; j < b.rows; j += 1) sum += distance(rowOf(a, i), rowOf(b, j));
  return sum / (a.rows * b.rows);
}

function meanWithin(a: Matrix): number {
  let sum = 0;
  for (let i = 0; i < a.rows; i += 1)
    for (let j = 0; j < i; j += 1) sum += distance(rowOf(a, i), rowOf(a, j));
  return (2 * sum) / (a.rows * (a.rows - 1));
}

function distance(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += ((a[k] as number) - (b[k] as number)) ** 2;
  return Math.sqrt(sum);
}
