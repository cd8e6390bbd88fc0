/** The networks of MASLN: two encoders, two decoders, a discriminator and a classifier. */

import { MODALITIES, type Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import type { DenseLayer } from '../inference/parameters.js';
import { normals, type Random } from '../math/random.js';
import type { TrainOptions } from '../types.js';
import { standardise } from './layers.js';
import { createParameter, type Parameter } from './optimiser.js';

export interface NetworkShape {
  /** Number of components of each modality's normalised features. */
  readonly components: Readonly<Record<Modality, number>>;
  /** Width of the code. */
  readonly code: number;
  readonly classes: number;
  /** Width of a class embedding; 0 where there is none. */
  readonly classEmbedding: number;
}

/** The parameters of one network. It owns their variables until `dispose` is called. */
export interface Network {
  readonly shape: NetworkShape;
  readonly options: TrainOptions;
  /** By name, in a fixed order: random values are drawn, and arrays stored, in this order. */
  readonly parameters: ReadonlyMap<string, Parameter>;
  dispose(): void;
}

/** Initial values of the linear paths, one for each modality: [components, code]. */
export type LinearStart = Readonly<Record<Modality, DenseLayer>>;

/** The parts that the loss terms in use need. The others are not created. */
export function partsNeeded({ weights }: TrainOptions, shape: NetworkShape) {
  return {
    decoders: weights.reconstruction > 0,
    discriminator: weights.adversary > 0,
    classifier: weights.semantics > 0 && shape.classes > 0,
  };
}

/** Widths of the hidden layers of one modality's encoder. */
export function hiddenWidths(options: TrainOptions, modality: Modality): readonly number[] {
  return modality === 'IMAGE' ? options.imageHidden : options.textHidden;
}

/**
 * A network with random initial values.
 *
 * @param linear initial values of the linear paths; null: the encoders have none
 */
export function createNetwork(
  shape: NetworkShape,
  options: TrainOptions,
  random: Random,
  linear: LinearStart | null,
): Network {
  const parameters = new Map<string, Parameter>();
  const add = (name: string, size: readonly number[], values: Float32Array, decays: boolean) => {
    parameters.set(name, createParameter(name, size, values, decays));
  };
  /** Normally distributed with variance gain / inputs (He et al. 2015). */
  const weights = (name: string, from: number, to: number, gain = 2) => {
    add(name, [from, to], normals(from * to, Math.sqrt(gain / from), random), true);
  };
  const zeros = (name: string, width: number) => add(name, [width], new Float32Array(width), false);

  for (const modality of MODALITIES) {
    let width = shape.components[modality];
    hiddenWidths(options, modality).forEach((hidden, i) => {
      weights(`${modality}.${i}.weights`, width, hidden);
      add(`${modality}.${i}.scale`, [hidden], new Float32Array(hidden).fill(1), false);
      zeros(`${modality}.${i}.shift`, hidden);
      width = hidden;
    });
    weights(`${modality}.code.weights`, width, shape.code, 1);
    if (linear) {
      add(
        `${modality}.skip.weights`,
        [shape.components[modality], shape.code],
        linear[modality].weights.data.slice(),
        true,
      );
    }
  }
  const needed = partsNeeded(options, shape);
  if (needed.decoders) {
    for (const modality of MODALITIES) {
      weights(`decoder.${modality}.0.weights`, shape.code + shape.classEmbedding, options.decoderHidden);
      zeros(`decoder.${modality}.0.bias`, options.decoderHidden);
      weights(`decoder.${modality}.1.weights`, options.decoderHidden, shape.components[modality], 1);
      zeros(`decoder.${modality}.1.bias`, shape.components[modality]);
    }
  }
  if (needed.discriminator) {
    weights('discriminator.0.weights', shape.code, options.discriminatorHidden);
    zeros('discriminator.0.bias', options.discriminatorHidden);
    weights('discriminator.1.weights', options.discriminatorHidden, 1, 1);
    zeros('discriminator.1.bias', 1);
  }
  if (needed.classifier) {
    weights('classifier.weights', shape.code, shape.classes, 1);
    zeros('classifier.bias', shape.classes);
  }
  return {
    shape,
    options,
    parameters,
    dispose: () => {
      for (const { variable } of parameters.values()) variable.dispose();
    },
  };
}

/** The variable of a parameter. The network owns it. */
export function variable<T extends tf.Tensor = tf.Tensor2D>(network: Network, name: string): T {
  const parameter = network.parameters.get(name);
  if (parameter === undefined) throw new Error(`the network has no parameter ${name}`);
  return parameter.variable as unknown as T;
}

/**
 * f_v or f_t of the paper, in training mode: with batch statistics and dropout. [b, components] → [b, code].
 *
 * @param masks dropout masks of the hidden layers, [b, width] each; empty without dropout
 */
export function encode(
  network: Network,
  modality: Modality,
  input: tf.Tensor2D,
  masks: readonly tf.Tensor2D[],
): tf.Tensor2D {
  const { slope } = network.options;
  let x = input;
  hiddenWidths(network.options, modality).forEach((_, i) => {
    const hat = standardise(tf.matMul(x, variable(network, `${modality}.${i}.weights`)));
    const scaled = tf.add(
      tf.mul(hat, variable<tf.Tensor1D>(network, `${modality}.${i}.scale`)),
      variable<tf.Tensor1D>(network, `${modality}.${i}.shift`),
    );
    x = tf.leakyRelu(scaled, slope) as tf.Tensor2D;
    const mask = masks[i];
    if (mask) x = tf.mul(x, mask);
  });
  return standardise(codeLayer(network, modality, x, input));
}

/** The code before batch normalisation, plus the linear path if there is one: [b, width], [b, components] → [b, code]. */
export function codeLayer(
  network: Network,
  modality: Modality,
  hidden: tf.Tensor2D,
  input: tf.Tensor2D,
): tf.Tensor2D {
  const code = tf.matMul<tf.Tensor2D>(hidden, variable(network, `${modality}.code.weights`));
  const name = `${modality}.skip.weights`;
  if (!network.parameters.has(name)) return code;
  const linear = tf.matMul<tf.Tensor2D>(input, variable(network, name));
  return tf.add(code, linear);
}

/**
 * Reconstructs the features of one modality: [b, code + classEmbedding] → [b, components].
 *
 * @param code a code, concatenated with the class embedding
 */
export function decode(network: Network, modality: Modality, code: tf.Tensor2D): tf.Tensor2D {
  return twoLayers(network, `decoder.${modality}`, code);
}

/** The discriminator's logits; positive means image. [b, code] → [b, 1]. */
export function discriminate(network: Network, code: tf.Tensor2D): tf.Tensor2D {
  return twoLayers(network, 'discriminator', code);
}

/** The classifier's logits: [b, code] → [b, classes]. */
export function classify(network: Network, code: tf.Tensor2D): tf.Tensor2D {
  return tf.add(
    tf.matMul(code, variable(network, 'classifier.weights')),
    variable<tf.Tensor1D>(network, 'classifier.bias'),
  );
}

function twoLayers(network: Network, name: string, input: tf.Tensor2D): tf.Tensor2D {
  const dense = (x: tf.Tensor2D, i: number) =>
    tf.add(
      tf.matMul(x, variable(network, `${name}.${i}.weights`)),
      variable<tf.Tensor1D>(network, `${name}.${i}.bias`),
    ) as tf.Tensor2D;
  return dense(tf.leakyRelu(dense(input, 0), network.options.slope) as tf.Tensor2D, 1);
}
