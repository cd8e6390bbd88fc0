/** The covariances that CCA is solved from: of few pairs exactly as they are, of many in one pass over blocks. */
import { tf } from '../../platform/tfjs.js';
import { type CcaStatistics, ccaStatistics } from '../math/cca.js';
import { covariance, type Dense, symmetricEigen, zeros } from '../math/linear-algebra.js';
import { isMatrix, type Matrix, type Rows, rowOf, takeRows } from '../math/matrix.js';
import { toTensor } from '../network/tensors.js';
import type { TrainOptions } from '../types.js';
import { blocksOf, MANY_PAIRS, sampledRows } from './scale.js';
import { textMeans, textMoments, textWeights } from './text-moments.js';
import type { PreparedPairs } from './training-data.js';

/** Statistics of pairs, with further texts where there are any, each with its weight in an epoch. */
export function statisticsOf(
  { image, text, further }: Pick<PreparedPairs, 'image' | 'text' | 'further'>,
  options: Pick<TrainOptions, 'shortTexts' | 'titleTexts'>,
): CcaStatistics {
  if (image.rows > MANY_PAIRS) return statisticsOfMany({ image, text, further }, options);
  const [images, texts] = [inMemory(image), inMemory(text)];
  if (further === null) return ccaStatistics(images, texts);
  const { means, scaled } = textMoments(texts, further, options);
  return {
    image: symmetricEigen(covariance(images, images)),
    text: symmetricEigen(covariance(scaled, scaled)),
    cross: covariance(images, means),
  };
}

/** The products of a block are computed in float32 on the tensor backend, and summed over the blocks in float64. */
function statisticsOfMany(
  { image, text, further }: Pick<PreparedPairs, 'image' | 'text' | 'further'>,
  options: Pick<TrainOptions, 'shortTexts' | 'titleTexts'>,
): CcaStatistics {
  const sums = {
    image: zeros(image.columns, image.columns),
    text: zeros(text.columns, text.columns),
    cross: zeros(image.columns, text.columns),
  };
  const weights = further && textWeights(text.rows, further, options);
  for (const { start, block } of blocksOf(text)) {
    const rows = Int32Array.from({ length: block.rows }, (_, i) => start + i);
    const images = takeRows(image, rows);
    addProducts(sums.image, images, images);
    if (further === null || weights === null) {
      addProducts(sums.cross, images, block);
      addProducts(sums.text, block, block);
      continue;
    }
    addProducts(sums.cross, images, textMeans(block, start, further, options));
    const scaled = scaledRows(block, weights.subarray(start));
    addProducts(sums.text, scaled, scaled);
  }
  if (further !== null && weights !== null) {
    const scaled = scaledRows(further.text, weights.subarray(text.rows));
    addProducts(sums.text, scaled, scaled);
  }
  const mean = (sum: Dense): Dense => ({ ...sum, data: sum.data.map((x) => x / image.rows) });
  return {
    image: symmetricEigen(mean(sums.image)),
    text: symmetricEigen(mean(sums.text)),
    cross: mean(sums.cross),
  };
}

/** sums += Aᵀ B: [n, p], [n, q] → [p, q]. */
function addProducts(sums: Dense, a: Matrix, b: Matrix): void {
  const products = tf.tidy(() => tf.matMul(toTensor(a), toTensor(b), true, false).dataSync() as Float32Array);
  for (let i = 0; i < products.length; i += 1)
    sums.data[i] = (sums.data[i] as number) + (products[i] as number);
}

/** Each row times the square root of its weight. */
function scaledRows(rows: Matrix, weights: Float64Array): Matrix {
  const data = rows.data.slice();
  for (let row = 0; row < rows.rows; row += 1) {
    const factor = Math.sqrt(weights[row] as number);
    const target = rowOf({ data, columns: rows.columns }, row);
    for (let j = 0; j < target.length; j += 1) target[j] = factor * (target[j] as number);
  }
  return { ...rows, data };
}

function inMemory(rows: Rows): Matrix {
  return isMatrix(rows) ? rows : takeRows(rows, sampledRows(rows.rows, rows.rows));
}
