/**
 * Converts the training graph to plain dense layers. For inference, batch normalisation uses the means and variances of the
 * whole training set, computed layer by layer without dropout. No moving averages are needed.
 */

import type { Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import type { Branch, DenseLayer } from '../inference/parameters.js';
import { VARIANCE_EPSILON } from './layers.js';
import { codeLayer, hiddenWidths, type Network, variable } from './network.js';

/** Mean and variance of each column of one batch-normalised layer, [width] each. */
export interface Statistics {
  readonly mean: Float32Array;
  readonly variance: Float32Array;
}

/**
 * The statistics of each hidden layer, then of the code.
 *
 * @param source [n, components]: the training rows of this modality, or a sample of many
 */
export function populationStatistics(
  network: Network,
  modality: Modality,
  source: tf.Tensor2D,
): Statistics[] {
  const found: Statistics[] = [];
  tf.tidy(() => {
    runInference(network, modality, source, (x) => {
      const { mean, variance } = tf.moments(x, 0);
      const statistics = {
        mean: Float32Array.from(mean.dataSync()),
        variance: Float32Array.from(variance.dataSync()),
      };
      found.push(statistics);
      return statistics;
    });
  });
  return found;
}

/**
 * The codes in inference mode, with these statistics: [n, components] → [n, code]. The caller owns the result. The layers of
 * `foldBatchNorm` give the same codes.
 */
export function encodeInference(
  network: Network,
  modality: Modality,
  input: tf.Tensor2D,
  statistics: readonly Statistics[],
): tf.Tensor2D {
  return tf.tidy(() =>
    runInference(network, modality, input, (_, layer) => {
      const found = statistics[layer];
      if (found === undefined) throw new Error(`no statistics for layer ${layer}`);
      return found;
    }),
  );
}

function runInference(
  network: Network,
  modality: Modality,
  input: tf.Tensor2D,
  statisticsOf: (x: tf.Tensor2D, layer: number) => Statistics,
): tf.Tensor2D {
  const normalised = (x: tf.Tensor2D, layer: number) => {
    const { mean, variance } = statisticsOf(x, layer);
    const inverse = variance.map((v) => 1 / Math.sqrt(v + VARIANCE_EPSILON));
    return tf.mul(tf.sub(x, tf.tensor1d(mean)), tf.tensor1d(inverse)) as tf.Tensor2D;
  };
  let x = input;
  const widths = hiddenWidths(network.options, modality);
  widths.forEach((_, i) => {
    const hat = normalised(tf.matMul(x, variable(network, `${modality}.${i}.weights`)), i);
    const scaled = tf.add(
      tf.mul(hat, variable<tf.Tensor1D>(network, `${modality}.${i}.scale`)),
      variable<tf.Tensor1D>(network, `${modality}.${i}.shift`),
    );
    x = tf.leakyRelu(scaled, network.options.slope) as tf.Tensor2D;
  });
  return normalised(codeLayer(network, modality, x, input), widths.length);
}

/** The encoder of one modality as dense layers: batch normalisation with these statistics is folded into them. */
export function foldBatchNorm(
  network: Network,
  modality: Modality,
  statistics: readonly Statistics[],
): Branch {
  const values = (name: string) => network.parameters.get(name)?.values;
  const widths = hiddenWidths(network.options, modality);
  const layers = widths.map((_, i) =>
    foldLayer(
      values(`${modality}.${i}.weights`),
      statistics[i],
      values(`${modality}.${i}.scale`) ?? null,
      values(`${modality}.${i}.shift`) ?? null,
      network.options.slope,
    ),
  );
  const code = foldLayer(values(`${modality}.code.weights`), statistics[widths.length], null, null, 1);
  const linear = values(`${modality}.skip.weights`);
  // The sum of both paths is normalised, so both get the scale and one of them gets the shift.
  const skip = linear ? foldLayer(linear, statistics[widths.length], null, null, 1) : null;
  return {
    layers: [...layers, code],
    skip: skip && { ...skip, bias: new Float32Array(skip.bias.length) },
    head: foldHead(network),
  };
}

/** The classifier, shared by both modalities; null if the network has none. */
function foldHead({ parameters, shape }: Network): DenseLayer | null {
  const weights = parameters.get('classifier.weights')?.values;
  const bias = parameters.get('classifier.bias')?.values;
  if (!weights || !bias) return null;
  return {
    weights: { data: weights.slice(), rows: shape.code, columns: shape.classes },
    bias: bias.slice(),
    slope: 1,
  };
}

function foldLayer(
  weights: Float32Array | undefined,
  statistics: Statistics | undefined,
  scale: Float32Array | null,
  shift: Float32Array | null,
  slope: number,
): DenseLayer {
  if (!weights || !statistics) throw new Error('a layer lacks its weights or its statistics');
  const width = statistics.mean.length;
  const factor = Float64Array.from(
    statistics.variance,
    (v, j) => (scale?.[j] ?? 1) / Math.sqrt(v + VARIANCE_EPSILON),
  );
  return {
    weights: {
      data: weights.map((w, i) => w * (factor[i % width] as number)),
      rows: weights.length / width,
      columns: width,
    },
    bias: statistics.mean.map((m, j) => (shift?.[j] ?? 0) - m * (factor[j] as number)),
    slope,
  };
}
