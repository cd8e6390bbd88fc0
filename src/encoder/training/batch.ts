/** One batch of pairs as tensors, with the targets of the loss terms in use. */

import type { Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import { type Rows, takeRows } from '../math/matrix.js';
import { dropoutMask, normals, type Random, shuffle } from '../math/random.js';
import { unitRows } from '../network/layers.js';
import { hiddenWidths, type Network, partsNeeded } from '../network/network.js';
import { toTensor } from '../network/tensors.js';
import type { TrainOptions } from '../types.js';
import { type EpochRows, textsOf } from './further-texts.js';
import { STATISTICS_ROWS, sampleOf } from './scale.js';
import type { PreparedPairs, SplitSource } from './training-data.js';

/** What the batches of a training have in common. The pairs are plain rows, in memory or in a file. */
export interface SourceTensors {
  readonly rows: Pick<PreparedPairs, 'image' | 'text' | 'further'>;
  /** [rows, components]: all captions and images of the pairs, or a sample of many; for statistics. */
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
  /** [components]: standard deviation of each column, the unit of input noise. */
  readonly deviation: Readonly<Record<Modality, tf.Tensor1D>>;
  /** [pairs]; −1 for none. */
  readonly labels: Int32Array;
  /** [pairs]; pairs with equal numbers describe the same thing. */
  readonly groups: Int32Array;
  readonly classes: number;
  /** [classes + 1, width]: the last row is for pairs without a class. Null where there are no classes. */
  readonly classEmbeddings: tf.Tensor2D | null;
}

/** Uploads what all batches use. The caller owns the tensors and frees them with `disposeSource`. */
export function uploadSource({ training, classes, classEmbeddings }: SplitSource): SourceTensors {
  const deviation = (rows: tf.Tensor2D) =>
    tf.tidy(() => tf.sqrt(tf.moments(rows, 0).variance) as tf.Tensor1D);
  const image = toTensor(sampleOf(training.image, STATISTICS_ROWS));
  const text = toTensor(sampleOf(training.text, STATISTICS_ROWS));
  return {
    rows: training,
    image,
    text,
    deviation: { IMAGE: deviation(image), TEXT: deviation(text) },
    labels: training.labels,
    groups: training.groups,
    classes,
    classEmbeddings: classEmbeddings && toTensor(classEmbeddings),
  };
}

/** Frees the tensors of `uploadSource`. */
export function disposeSource({ image, text, deviation, classEmbeddings }: SourceTensors): void {
  tf.dispose([image, text, deviation.IMAGE, deviation.TEXT]);
  classEmbeddings?.dispose();
}

/** b pairs. A tensor that no term in use needs is null. */
export interface Batch {
  readonly size: number;
  /** Number of pairs with a class. */
  readonly labelled: number;
  /** [b, components]: the targets of the decoders. */
  readonly image: tf.Tensor2D;
  readonly text: tf.Tensor2D;
  /** [b, components]: with input noise, the input of the encoders. */
  readonly noisyImage: tf.Tensor2D;
  readonly noisyText: tf.Tensor2D;
  /** Dropout masks of the hidden layers, [b, width] each; empty without dropout. */
  readonly masks: Readonly<Record<Modality, readonly tf.Tensor2D[]>>;
  /** [b, classes]: smoothed one-hot rows; 0 for pairs without a class. */
  readonly classTargets: tf.Tensor2D | null;
  /** [b, width] */
  readonly classEmbeddings: tf.Tensor2D | null;
  /** [b, b]; each row sums to 1. */
  readonly pairTargets: tf.Tensor2D | null;
  /** [b, b]; rows of pairs with a class sum to 1, others are 0. */
  readonly sameClassTargets: tf.Tensor2D | null;
  /** [b, b]: 1 for pairs of the same class, 0 for pairs of different classes. */
  readonly sameClass: tf.Tensor2D | null;
  /** [b, b]: 1 where both pairs have a class, else 0. */
  readonly bothLabelled: tf.Tensor2D | null;
}

/**
 * The batch of these rows. Call it inside a tidy: the caller owns all tensors of the batch. It draws from `random` in a fixed
 * order.
 *
 * @param batch the pairs of the batch with their texts
 */
export function makeBatch(source: SourceTensors, batch: EpochRows, network: Network, random: Random): Batch {
  const { options } = network;
  const rows = batch.pairs;
  const size = rows.length;
  const mixing = drawMixing(size, options.mixup, random);
  // Taken from the plain rows: tf.gather would take a tenth of the training time on the wasm backend.
  const take = (from: Rows) => mixed(toTensor(takeRows(from, rows)), mixing);
  const image = take(source.rows.image);
  const text = mixed(toTensor(textsOf(source.rows.text, source.rows.further, batch)), mixing);
  const labels = Int32Array.from(rows, (row) => source.labels[row] as number);
  const classes = labels.map((label) => (label < 0 ? source.classes : label));
  const shares = classShares(labels, mixing);
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
        ? mixed(tf.gather(source.classEmbeddings, tf.tensor1d(classes, 'int32')), mixing)
        : null,
    pairTargets:
      weights.pairContrast > 0
        ? pairTargets(
            text,
            rows.map((row) => source.groups[row] as number),
            options,
          )
        : null,
    sameClassTargets: weights.classContrast > 0 && some ? sameClass(shares, true) : null,
    sameClass: weights.classCosine > 0 && some ? sameClass(shares, false) : null,
    bothLabelled: weights.classCosine > 0 && some ? bothLabelled(shares) : null,
  };
}

/** Mixup: row i becomes share[i] · row i + (1 − share[i]) · row partner[i]. */
interface Mixing {
  readonly partner: Int32Array;
  readonly share: Float32Array;
}

/** Null if mixup is off. */
function drawMixing(size: number, mixup: number, random: Random): Mixing | null {
  if (mixup === 0) return null;
  const partner = shuffle(
    Int32Array.from({ length: size }, (_, i) => i),
    random,
  );
  // A share of at least 0.5, so that each pair still has one counterpart.
  const share = Float32Array.from(partner, () => (random.uniform() < mixup ? 0.5 + random.uniform() / 2 : 1));
  return { partner, share };
}

function mixed(x: tf.Tensor2D, mixing: Mixing | null): tf.Tensor2D {
  if (mixing === null) return x;
  const own = tf.tensor2d(mixing.share, [mixing.share.length, 1]);
  const other = tf.gather(x, tf.tensor1d(mixing.partner, 'int32'));
  return tf.add(tf.mul(x, own), tf.mul(other, tf.sub(1, own)));
}

/** The classes of each row with their shares, which sum to 1; empty for a row without a class. */
type ClassShares = readonly (readonly (readonly [label: number, share: number])[])[];

function classShares(labels: Int32Array, mixing: Mixing | null): ClassShares {
  return Array.from(labels, (label, i) => {
    const share = mixing?.share[i] ?? 1;
    const other = labels[mixing?.partner[i] ?? i] as number;
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

/** The identity; with soft targets, mixed with the softmax of text–text similarity. */
function pairTargets(
  text: tf.Tensor2D,
  groups: Int32Array,
  { softTargets, softTemperature }: TrainOptions,
): tf.Tensor2D {
  const identity = sameGroup(groups);
  if (softTargets === 0) return identity;
  return tf.tidy(() => {
    const direction = unitRows(text);
    const similarity = tf.softmax(tf.div(tf.matMul(direction, direction, false, true), softTemperature));
    return tf.add(tf.mul(identity, 1 - softTargets), tf.mul(similarity, softTargets));
  });
}

/**
 * The identity where each group is in one row; else each row is spread evenly over the rows of its group. A pair that is in the
 * batch with several texts has several rows too.
 */
function sameGroup(groups: Int32Array): tf.Tensor2D {
  const n = groups.length;
  const counts = new Map<number, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  if (counts.size === n) return tf.eye(n);
  const targets = new Float32Array(n * n);
  for (const [i, a] of groups.entries())
    for (const [j, b] of groups.entries()) if (a === b) targets[i * n + j] = 1 / (counts.get(a) ?? 1);
  return tf.tensor2d(targets, [n, n]);
}

/**
 * The overlap of the classes of each two rows: 1 where both have the same single class.
 *
 * @param normalised whether each row is scaled to the sum 1
 */
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
