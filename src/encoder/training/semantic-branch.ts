/**
 * The semantic branch: ridge regressions from the components of both modalities to the class embeddings, in closed form. It puts
 * an item where classes of similar names are, also where its class is not in the training set (Romera-Paredes and Torr 2015; Kodirov,
 * Xiang, Gong 2017 tie the same map in both directions).
 */
import { norm } from '../inference/embed.js';
import type { DenseLayer } from '../inference/parameters.js';
import type { CcaStatistics } from '../math/cca.js';
import { type Dense, multiply, symmetricFunction, zeros } from '../math/linear-algebra.js';
import { type Matrix, type Rows, rowOf } from '../math/matrix.js';
import type { LinearStart } from '../network/network.js';
import type { TrainOptions } from '../types.js';
import { blocksOf } from './scale.js';
import { textMeans } from './text-moments.js';
import type { PreparedPairs } from './training-data.js';

/** Added to each variance, as a share of the mean variance. The value is ours; docs/decisions/0026-semantic-branch.md has the figures. */
const REGULARISATION = 3;

/**
 * W = (C + λI)⁻¹ Xᵀ T / n for each modality: C is the covariance of its components, T has the class embedding of each pair at unit
 * length. Pairs without a class do not count in Xᵀ T. The components have mean 0, so no bias is needed.
 *
 * @param classEmbeddings [classes + 1, width], as `prepareSource` gives them
 * @param statistics of the same pairs
 * @returns two layers [components] → [width] without bias
 */
export function fitSemantic(
  { image, text, labels, further }: PreparedPairs,
  classEmbeddings: Matrix,
  statistics: Pick<CcaStatistics, 'image' | 'text'>,
  options: Pick<TrainOptions, 'shortTexts' | 'titleTexts'>,
): LinearStart {
  const targets = unitRows(classEmbeddings);
  const texts =
    further === null
      ? (block: Matrix) => block
      : (block: Matrix, start: number) => textMeans(block, start, further, options);
  return {
    IMAGE: ridge(statistics.image, classSums(image, labels, targets.rows), targets, image.rows),
    TEXT: ridge(statistics.text, classSums(text, labels, targets.rows, texts), targets, text.rows),
  };
}

/** [classes, components]: the sum of the rows of each class. */
function classSums(
  rows: Rows,
  labels: Int32Array,
  classes: number,
  rowsOf = (block: Matrix, _start: number): Matrix => block,
): Dense {
  const sums = zeros(classes, rows.columns);
  for (const { start, block } of blocksOf(rows)) {
    const values = rowsOf(block, start);
    for (let i = 0; i < values.rows; i += 1) {
      const label = labels[start + i] as number;
      if (label < 0) continue;
      const row = rowOf(values, i);
      const target = sums.data.subarray(label * rows.columns, (label + 1) * rows.columns);
      for (let j = 0; j < row.length; j += 1) target[j] = (target[j] as number) + (row[j] as number);
    }
  }
  return sums;
}

/** @param sums [classes, components], @param targets [classes, width] */
function ridge(eigen: CcaStatistics['image'], sums: Dense, targets: Dense, count: number): DenseLayer {
  const products = zeros(sums.columns, targets.columns);
  for (let label = 0; label < sums.rows; label += 1) {
    for (let i = 0; i < sums.columns; i += 1) {
      const x = (sums.data[label * sums.columns + i] as number) / count;
      for (let j = 0; j < targets.columns; j += 1) {
        const at = i * targets.columns + j;
        products.data[at] =
          (products.data[at] as number) + x * (targets.data[label * targets.columns + j] as number);
      }
    }
  }
  const variance = eigen.values.reduce((sum, value) => sum + value, 0) / eigen.values.length;
  const inverse = symmetricFunction(
    eigen,
    (value) => 1 / (Math.max(value, 0) + REGULARISATION * variance + 1e-9),
  );
  const { data, rows, columns } = multiply(inverse, products);
  return {
    weights: { data: Float32Array.from(data), rows, columns },
    bias: new Float32Array(columns),
    slope: 1,
  };
}

/** Rows of norm 1 in float64; a row of zeros stays. */
function unitRows(matrix: Matrix): Dense {
  const out = zeros(matrix.rows, matrix.columns);
  for (let i = 0; i < matrix.rows; i += 1) {
    const row = rowOf(matrix, i);
    const length = norm(row) || 1;
    row.forEach((x, j) => {
      out.data[i * matrix.columns + j] = x / length;
    });
  }
  return out;
}
