/** One batch of pairs as tensors, with everything the losses in use compare against. */

import type { Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import { type Matrix, takeRows } from '../math/matrix.js';
import { dropoutMask, normals, type Random, shuffle } from '../math/random.js';
import { unitRows } from '../network/layers.js';
import { hiddenWidths, type Network, partsNeeded } from '../network/network.js';
import { toTensor } from '../network/tensors.js';
import type { TrainOptions } from '../types.js';
import type { PreparedPairs, SplitSource } from './training-data.js';

/** The training pairs: uploaded once, and as they came, for a batch's rows to be taken from. */
export interface SourceTensors {
  readonly rows: Pick<PreparedPairs, 'image' | 'text'>;
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
  /** [components]: deviation of each column, the unit of input noise. */
  readonly deviation: Readonly<Record<Modality, tf.Tensor1D>>;
  readonly labels: Int32Array;
  readonly classes: number;
  /** [classes + 1, width] or null. */
  readonly classEmbeddings: tf.Tensor2D | null;
}

/** Uploads the training pairs. The caller owns the tensors and frees them with `disposeSource`. */
export function uploadSource({ training, classes, classEmbeddings }: SplitSource): SourceTensors {
  const deviation = (rows: tf.Tensor2D) =>
    tf.tidy(() => tf.sqrt(tf.moments(rows, 0).variance) as tf.Tensor1D);
  const image = toTensor(training.image);
  const text = toTensor(training.text);
  return {
    rows: training,
    image,
    text,
    deviation: { IMAGE: deviation(image), TEXT: deviation(text) },
    labels: training.labels,
    classes,
    classEmbeddings: classEmbeddings && toTensor(classEmbeddings),
  };
}

export function disposeSource({ image, text, deviation, classEmbeddings }: SourceTensors): void {
  tf.dispose([image, text, deviation.IMAGE, deviation.TEXT]);
  classEmbeddings?.dispose();
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
  const blend = drawBlend(size, options.mixup, random);
  // Not by tf.gather, which takes a tenth of a training on the wasm backend.
  const take = (from: Matrix) => blended(toTensor(takeRows(from, rows)), blend);
  const image = take(source.rows.image);
  const text = take(source.rows.text);
  const labels = Int32Array.from(rows, (row) => source.labels[row] as number);
  const classes = labels.map((label) => (label < 0 ? source.classes : label));
  const shares = classShares(labels, blend);
  const labelled = shares.filter((row) => row.length > 0).length;
  const { weights } = options;
  const needed = partsNeeded(options, network.shape);

  const noisy = (x: tf.Tensor2D, modality: Modality): tf.Tensor2D => {
    if (options.inputNoise === 0) return x;
    const noise = tf.tensor2d(normals(x.size, options.inputNoise, random), x.shape);
    return tf.add(x, tf.mul(noise, source.deviation[modality]));
  };
  const noisyImage = noisy(image, 'IMAGE');
  const noisyText = noisy(text, 'TEXT');
  const masks = (modality: Modality) =>
    options.dropout === 0
      ? []
      : hiddenWidths(options, modality).map((width) =>
          tf.tensor2d(dropoutMask(size * width, options.dropout, random), [size, width]),
        );

  const some = labelled > 0;
  return {
    size,
    labelled,
    image,
    text,
    noisyImage,
    noisyText,
    masks: { IMAGE: masks('IMAGE'), TEXT: masks('TEXT') },
    classTargets: needed.classifier && some ? classTargets(shares, source.classes, options) : null,
    classEmbeddings:
      needed.decoders && source.classEmbeddings !== null
        ? blended(tf.gather(source.classEmbeddings, tf.tensor1d(classes, 'int32')), blend)
        : null,
    pairTargets: weights.pairContrast > 0 ? pairTargets(text, options) : null,
    sameClassTargets: weights.classContrast > 0 && some ? sameClass(shares, true) : null,
    sameClass: weights.classCosine > 0 && some ? sameClass(shares, false) : null,
    bothLabelled: weights.classCosine > 0 && some ? bothLabelled(shares) : null,
  };
}

/** Row i becomes share[i] of itself and the rest of row partner[i]. */
interface Blend {
  readonly partner: Int32Array;
  readonly share: Float32Array;
}

/** Null where no row is blended. */
function drawBlend(size: number, mixup: number, random: Random): Blend | null {
  if (mixup === 0) return null;
  const partner = shuffle(
    Int32Array.from({ length: size }, (_, i) => i),
    random,
  );
  // A pair stays mostly itself, so that it still has one counterpart.
  const share = Float32Array.from(partner, () => (random.uniform() < mixup ? 0.5 + random.uniform() / 2 : 1));
  return { partner, share };
}

function blended(x: tf.Tensor2D, blend: Blend | null): tf.Tensor2D {
  if (blend === null) return x;
  const own = tf.tensor2d(blend.share, [blend.share.length, 1]);
  const other = tf.gather(x, tf.tensor1d(blend.partner, 'int32'));
  return tf.add(tf.mul(x, own), tf.mul(other, tf.sub(1, own)));
}

/** What share of which classes each row has, summing to 1; nothing where it has none. */
type ClassShares = readonly (readonly (readonly [label: number, share: number])[])[];

function classShares(labels: Int32Array, blend: Blend | null): ClassShares {
  return Array.from(labels, (label, i) => {
    const share = blend?.share[i] ?? 1;
    const other = labels[blend?.partner[i] ?? i] as number;
    if (share === 1 || other === label) return label < 0 ? [] : [[label, 1] as const];
    if (label < 0 || other < 0) return [[Math.max(label, other), 1] as const];
    return [[label, share] as const, [other, 1 - share] as const];
  });
}

function classTargets(shares: ClassShares, classes: number, { labelSmoothing }: TrainOptions): tf.Tensor2D {
  const targets = new Float32Array(shares.length * classes);
  shares.forEach((row, i) => {
    if (row.length === 0) return;
    targets.fill(labelSmoothing / classes, i * classes, (i + 1) * classes);
    for (const [label, share] of row)
      targets[i * classes + label] = (targets[i * classes + label] as number) + (1 - labelSmoothing) * share;
  });
  return tf.tensor2d(targets, [shares.length, classes]);
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

/** How much of their classes two rows share, 1 where both have one and the same: as it is, or so that each row sums to 1. */
function sameClass(shares: ClassShares, normalised: boolean): tf.Tensor2D {
  const n = shares.length;
  const targets = new Float32Array(n * n);
  for (const [i, row] of shares.entries()) {
    let total = 0;
    for (const [j, column] of shares.entries()) {
      let common = 0;
      for (const [a, share] of row) for (const [b, other] of column) if (a === b) common += share * other;
      targets[i * n + j] = common;
      total += common;
    }
    if (normalised && total > 0)
      for (let j = 0; j < n; j += 1) targets[i * n + j] = (targets[i * n + j] as number) / total;
  }
  return tf.tensor2d(targets, [n, n]);
}

function bothLabelled(shares: ClassShares): tf.Tensor2D {
  const has = tf.tensor2d(
    shares.map((row) => (row.length > 0 ? 1 : 0)),
    [shares.length, 1],
  );
  return tf.matMul(has, has, false, true);
}
