/** A map that keeps neighbours together: t-SNE of a sample, and every other point between its nearest sampled neighbours. */
import type { Matrix } from '../../encoder/math/matrix.js';
import { tsne } from './t-sne.js';

const PERPLEXITY = 30;
const ITERATIONS = 500;
/** Fewer points are too few for t-SNE. */
const FEWEST = 12;
/** Sampled neighbours that place a point. */
const NEIGHBOURS = 6;
/** Points at a smaller squared distance count as the same. */
const SAME = 1e-6;

/**
 * @param sample [m, k], coordinates on the axes of the map
 * @param rows [n, k], the points to place; those of the sample among them come to their own positions
 * @returns [n · 2]: x, y; null if the sample is too small
 */
export function neighbourLayout(sample: Matrix, rows: Matrix): Float32Array | null {
  if (sample.rows < FEWEST) return null;
  const start = Array.from({ length: sample.rows }, (_, i) => [at(sample, i, 0), at(sample, i, 1)] as const);
  const perplexity = Math.min(PERPLEXITY, Math.floor((sample.rows - 1) / 3));
  const near = tsne(squaredDistances(sample), start, { perplexity, iterations: ITERATIONS });
  return placeByNeighbours(sample, near, rows);
}

/** Places points by their nearest neighbours, each of which counts by the inverse of its squared distance. */
export function placeByNeighbours(
  sample: Matrix,
  positions: readonly (readonly [x: number, y: number])[],
  rows: Matrix,
): Float32Array {
  const out = new Float32Array(rows.rows * 2);
  const count = Math.min(NEIGHBOURS, sample.rows);
  const nearest = new Int32Array(count);
  const distances = new Float64Array(count);
  for (let row = 0; row < rows.rows; row += 1) {
    distances.fill(Number.POSITIVE_INFINITY);
    for (let other = 0; other < sample.rows; other += 1) {
      const distance = squaredDistance(rows, row, sample, other, distances[count - 1] as number);
      let place = count - 1;
      if (distance >= (distances[place] as number)) continue;
      for (; place > 0 && distance < (distances[place - 1] as number); place -= 1) {
        distances[place] = distances[place - 1] as number;
        nearest[place] = nearest[place - 1] as number;
      }
      distances[place] = distance;
      nearest[place] = other;
    }
    let [x, y, sum] = [0, 0, 0];
    for (let i = 0; i < count; i += 1) {
      const weight = 1 / ((distances[i] as number) + SAME);
      const [px, py] = positions[nearest[i] as number] as readonly [number, number];
      x += weight * px;
      y += weight * py;
      sum += weight;
    }
    out[2 * row] = x / sum;
    out[2 * row + 1] = y / sum;
  }
  return out;
}

/** ‖a − b‖², or more than `enough` once it is known to be more. */
function squaredDistance(a: Matrix, i: number, b: Matrix, j: number, enough: number): number {
  const k = a.columns;
  let sum = 0;
  for (let axis = 0; axis < k && sum < enough; axis += 1) {
    const difference = (a.data[i * k + axis] as number) - (b.data[j * k + axis] as number);
    sum += difference * difference;
  }
  return sum;
}

function squaredDistances(rows: Matrix): Float32Array {
  const n = rows.rows;
  const out = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) {
    for (let j = 0; j < i; j += 1) {
      const distance = squaredDistance(rows, i, rows, j, Number.POSITIVE_INFINITY);
      out[i * n + j] = distance;
      out[j * n + i] = distance;
    }
  }
  return out;
}

function at(rows: Matrix, row: number, column: number): number {
  return column < rows.columns ? (rows.data[row * rows.columns + column] as number) : 0;
}
