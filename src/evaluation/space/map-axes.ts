/** The axes that a map is computed on: the directions of the common space with the most variance. */
import { covariance } from '../../encoder/math/linear-algebra.js';
import type { Matrix } from '../../encoder/math/matrix.js';
import { principalAxes } from './principal-axes.js';

/** Neighbours are compared on this many axes: a tenth of the time of the whole space, and of 128 MB a million items. */
const AXES = 32;
const SEED = 0;

/** A linear map from the common space. */
export interface MapAxes {
  /** [d] */
  readonly means: Float32Array;
  /** [AXES, d] */
  readonly axes: Matrix;
  /** Share of the variance on the first two axes; 1 where there is no variance. */
  readonly explained: number;
}

/** Fits the axes to a sample of the space: [n, d]. An empty sample gives axes of zeros, on which all points are the same. */
export function fitMapAxes(sample: Matrix): MapAxes {
  const { rows: n, columns: d, data } = sample;
  const means = new Float32Array(d);
  const count = Math.min(AXES, d);
  if (n === 0)
    return { means, axes: { data: new Float32Array(count * d), rows: count, columns: d }, explained: 1 };
  for (let i = 0; i < data.length; i += 1) means[i % d] = (means[i % d] as number) + (data[i] as number) / n;
  const centred = { data: data.map((x, i) => x - (means[i % d] as number)), rows: n, columns: d };
  const spread = covariance(centred, centred);
  const axes = principalAxes(spread, count, SEED);
  let total = 0;
  for (let j = 0; j < d; j += 1) total += spread.data[j * d + j] as number;
  let shown = 0;
  for (let axis = 0; axis < Math.min(2, count); axis += 1) {
    const direction = axes.data.subarray(axis * d, (axis + 1) * d);
    for (let i = 0; i < d; i += 1)
      for (let j = 0; j < d; j += 1)
        shown += (direction[i] as number) * (spread.data[i * d + j] as number) * (direction[j] as number);
  }
  return {
    means,
    axes: { data: Float32Array.from(axes.data), rows: count, columns: d },
    explained: total === 0 ? 1 : Math.min(1, shown / total),
  };
}

/** Coordinates of rows of the space on the axes: [n, d] → [n, AXES]. */
export function onAxes({ data, rows, columns: d }: Matrix, { means, axes }: MapAxes): Matrix {
  const k = axes.rows;
  const out = new Float32Array(rows * k);
  for (let row = 0; row < rows; row += 1) {
    for (let axis = 0; axis < k; axis += 1) {
      let sum = 0;
      for (let j = 0; j < d; j += 1)
        sum += ((data[row * d + j] as number) - (means[j] as number)) * (axes.data[axis * d + j] as number);
      out[row * k + axis] = sum;
    }
  }
  return { data: out, rows, columns: k };
}
