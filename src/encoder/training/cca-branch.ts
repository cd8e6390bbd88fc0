/** CCA as dense layers: the linear branch of an encoder, and the initial values of the networks' linear paths. */
import type { DenseLayer } from '../inference/parameters.js';
import { type Cca, solveCca } from '../math/cca.js';
import type { Dense } from '../math/linear-algebra.js';
import type { LinearStart } from '../network/network.js';
import type { TrainOptions } from '../types.js';
import { statisticsOf } from './cca-statistics.js';
import type { PreparedPairs } from './training-data.js';

/** Fits CCA on the pairs with the regularisation of the options; with further texts, each with its weight in an epoch. */
export function fitCca(pairs: PreparedPairs, options: TrainOptions): Cca {
  return solveCca(statisticsOf(pairs, options), options.ccaRegularisation);
}

/**
 * The first k canonical variates of one side as a dense layer without bias: [p] → [min(k, variates)]. Each variate is
 * weighted by its correlation to a power: 0 is plain CCA; a higher power gives well-correlated directions more weight in a
 * cosine (Gong et al. 2014).
 *
 * @param weights [p, variates], of `solveCca`
 */
export function ccaLayer(weights: Dense, correlations: Float64Array, k: number, power: number): DenseLayer {
  const width = Math.min(k, weights.columns);
  const data = new Float32Array(weights.rows * width);
  for (let i = 0; i < weights.rows; i += 1) {
    for (let j = 0; j < width; j += 1) {
      data[i * width + j] =
        (weights.data[i * weights.columns + j] as number) * (correlations[j] as number) ** power;
    }
  }
  return { weights: { data, rows: weights.rows, columns: width }, bias: new Float32Array(width), slope: 1 };
}

/** `ccaLayer` of both modalities. Narrower than `width` where there are fewer canonical variates. */
export function ccaLayers(cca: Cca, width: number, power: number): LinearStart {
  return {
    IMAGE: ccaLayer(cca.image, cca.correlations, width, power),
    TEXT: ccaLayer(cca.text, cca.correlations, width, power),
  };
}

/** `ccaLayers` of exactly `width` columns: columns beyond the canonical variates are 0. */
export function paddedCcaLayers(cca: Cca, width: number, { ccaPower }: TrainOptions): LinearStart {
  const { IMAGE, TEXT } = ccaLayers(cca, width, ccaPower);
  return { IMAGE: padded(IMAGE, width), TEXT: padded(TEXT, width) };
}

function padded(layer: DenseLayer, width: number): DenseLayer {
  const { rows, columns, data } = layer.weights;
  if (columns === width) return layer;
  const wider = new Float32Array(rows * width);
  for (let i = 0; i < rows; i += 1) wider.set(data.subarray(i * columns, (i + 1) * columns), i * width);
  return { ...layer, weights: { data: wider, rows, columns: width }, bias: new Float32Array(width) };
}
