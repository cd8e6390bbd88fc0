/** One batch of pairs as tensors, with everything the losses in use compare against. */
import * as tf from '@tensorflow/tfjs-core';
import { MODALITIES, type Modality } from '../domain/modality.js';
import { unitRows } from './layers.js';
import { hiddenWidths, type Network, partsNeeded } from './network.js';
import { dropoutMask, normals, type Random } from './random.js';
import type { TrainOptions } from './types.js';

/** The training pairs, uploaded once. */
export interface SourceTensors {
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
  /** [components]: deviation of each column, the unit of input noise. */
  readonly deviation: Readonly<Record<Modality, tf.Tensor1D>>;
  readonly labels: Int32Array;
  readonly classes: number;
  /** [classes + 1, width] or null. */
  readonly classEmbeddings: tf.Tensor2D | null;
}

export interface Batch {
  readonly size: number;
  /** How many of its pairs have a class. */
  readonly labelled: number;
  /** [b, components], as they are: what the decoders rebuild. */
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
  /** The same with input noise: what the encoders take. */
  readonly noisyImage: tf.Tensor2D;
  readonly noisyText: tf.Tensor2D;
  readonly masks: Readonly<Record<Modality, readonly tf.Tensor2D[]>>;
  /** [b, C]: smoothed one-hot rows, 0 where there is no class. Null where the term is off, as all below. */
  readonly classTargets: tf.Tensor2D | null;
  /** [b, width] */
  readonly classEmbeddings: tf.Tensor2D | null;
  /** [b, b], rows sum to 1. */
  readonly pairTargets: tf.Tensor2D | null;
  /** [b, b], rows of pairs with a class sum to 1. */
  readonly sameClassTargets: tf.Tensor2D | null;
  /** [b, b] of 0 and 1. */
  readonly sameClass: tf.Tensor2D | null;
  readonly bothLabelled: tf.Tensor2D | null;
}

/** Call inside a tidy: the caller owns all of its tensors. Draws from `random` in a fixed order. */
export function makeBatch(source: SourceTensors, rows: Int32Array, network: Network, random: Random): Batch {
  const { options } = network;
  const size = rows.length;
  const index = tf.tensor1d(rows, 'int32');
  const image = tf.gather(source.image, index);
  const text = tf.gather(source.text, index);
  const labels = Int32Array.from(rows, (row) => source.labels[row] as number);
  const labelled = labels.filter((label) => label >= 0).length;
  const { weights } = options;
  const needed = partsNeeded(options, network.shape);

  const noisy = (x: tf.Tensor2D, modality: Modality): tf.Tensor2D => {
    if (options.inputNoise === 0) return x;
    const noise = tf.tensor2d(normals(x.size, options.inputNoise, random), x.shape);
    return tf.add(x, tf.mul(noise, source.deviation[modality]));
  };
  const noisyImage = noisy(image, 'IMAGE');
  const noisyText = noisy(text, 'TEXT');
  const masks = Object.fromEntries(
    MODALITIES.map((modality) => [
      modality,
      options.dropout === 0
        ? []
        : hiddenWidths(options, modality).map((width) =>
            tf.tensor2d(dropoutMask(size * width, options.dropout, random), [size, width]),
          ),
    ]),
  ) as unknown as Batch['masks'];

  const some = labelled > 0;
  return {
    size,
    labelled,
    image,
    text,
    noisyImage,
    noisyText,
    masks,
    classTargets: needed.classifier && some ? classTargets(labels, source.classes, options) : null,
    classEmbeddings:
      needed.decoders && source.classEmbeddings !== null
        ? tf.gather(
            source.classEmbeddings,
            tf.tensor1d(
              labels.map((label) => (label < 0 ? source.classes : label)),
              'int32',
            ),
          )
        : null,
    pairTargets: weights.pairContrast > 0 ? pairTargets(text, options) : null,
    sameClassTargets: weights.classContrast > 0 && some ? sameClass(labels, true) : null,
    sameClass: weights.classCosine > 0 && some ? sameClass(labels, false) : null,
    bothLabelled: weights.classCosine > 0 && some ? bothLabelled(labels) : null,
  };
}

function classTargets(labels: Int32Array, classes: number, { labelSmoothing }: TrainOptions): tf.Tensor2D {
  const targets = new Float32Array(labels.length * classes);
  labels.forEach((label, i) => {
    if (label < 0) return;
    targets.fill(labelSmoothing / classes, i * classes, (i + 1) * classes);
    targets[i * classes + label] = 1 - labelSmoothing + labelSmoothing / classes;
  });
  return tf.tensor2d(targets, [labels.length, classes]);
}

/** The pair itself, with a share given to pairs whose texts are alike. */
function pairTargets(text: tf.Tensor2D, { softTargets, softTemperature }: TrainOptions): tf.Tensor2D {
  const itself = tf.eye(text.shape[0]);
  if (softTargets === 0) return itself;
  return tf.tidy(() => {
    const direction = unitRows(text);
    const alike = tf.softmax(tf.div(tf.matMul(direction, direction, false, true), softTemperature));
    return tf.add(tf.mul(itself, 1 - softTargets), tf.mul(alike, softTargets));
  });
}

/** 1 where both have one class, by rows: as indicators, or shared out so that each row sums to 1. */
function sameClass(labels: Int32Array, shared: boolean): tf.Tensor2D {
  const n = labels.length;
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const targets = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) {
    const label = labels[i] as number;
    if (label < 0) continue;
    const value = shared ? 1 / (counts.get(label) ?? 1) : 1;
    for (let j = 0; j < n; j += 1) if (labels[j] === label) targets[i * n + j] = value;
  }
  return tf.tensor2d(targets, [n, n]);
}

function bothLabelled(labels: Int32Array): tf.Tensor2D {
  const has = tf.tensor2d(
    Float32Array.from(labels, (label) => (label < 0 ? 0 : 1)),
    [labels.length, 1],
  );
  return tf.matMul(has, has, false, true);
}
