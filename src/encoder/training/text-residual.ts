/**
 * A residual of the text side of an encoder whose image side is kept: e' = unit(e + r(e)) with r of one hidden layer. The last
 * layer of r starts at 0, so training starts from the encoder as it is, and a penalty on ‖r‖² pulls back to it (after Gao et al.
 * 2021, CLIP-Adapter).
 */
import { tf } from '../../platform/tfjs.js';
import type { DenseLayer } from '../inference/parameters.js';
import { type Matrix, takeRows } from '../math/matrix.js';
import { createRandom, normals, type Random, shuffle } from '../math/random.js';
import { unitRows } from '../network/layers.js';
import { contrastiveLoss, cosines } from '../network/losses.js';
import { adamStep, createParameter, oneCycle, type Parameter, publish } from '../network/optimiser.js';
import { toTensor } from '../network/tensors.js';
import type { TrainOptions } from '../types.js';
import { drawRows, type EpochRows, selectEpochRows, textsOf } from './further-texts.js';
import type { PreparedPairs } from './training-data.js';

/** These values are ours; docs/decisions/0022-shared-spaces.md has the trial. */
const HIDDEN = 256;
const SLOPE = 0.1;
const PENALTY = 0.1;
const TEMPERATURE = 0.1;
const LEARNING_RATE = 5e-3;
const BATCH = 128;
/** Norm of the noise that is added to embeddings, whose norm is 1. Without it the residual learns the pairs by heart. */
const NOISE = 0.8;
/** Steps at least, for each epoch of the options, and at most. */
const STEPS = { perEpoch: 4, most: 1000 } as const;

/** Stream of random numbers, apart from those of networks. */
const STREAM = 400;

/**
 * Trains the residual on pairs of embeddings, towards their images and, where pairs have classes, images of their class.
 *
 * @param pairs unit embeddings of the encoder as it is
 * @param onStep before each step, with the share of the steps that are done
 * @returns the layers of r: [dimension] → [HIDDEN] → [dimension]
 */
export async function trainTextResidual(
  pairs: PreparedPairs,
  options: TrainOptions,
  onStep: (share: number) => Promise<void>,
): Promise<DenseLayer[]> {
  const width = pairs.text.columns;
  const random = createRandom(options.seed, STREAM);
  const parameters = createParameters(width, random);
  const perEpoch = Math.max(1, Math.round(pairs.labels.length / BATCH));
  const steps = Math.min(STEPS.most, options.epochs * Math.max(STEPS.perEpoch, perEpoch));
  try {
    let step = 0;
    for (let epoch = 1; step < steps; epoch += 1) {
      for (const rows of batchesOf(drawRows(pairs.labels.length, pairs.further, options, 0, epoch), random)) {
        if (step === steps) break;
        await onStep(step / steps);
        const gradients = gradientsOf(parameters, pairs, rows, random);
        const pace = oneCycle(step, steps, LEARNING_RATE);
        step += 1;
        parameters.forEach((parameter, i) => {
          adamStep(parameter, gradients[i] as Float32Array, step, pace, 0);
          publish(parameter);
        });
      }
    }
    return layersOf(parameters, width);
  } finally {
    for (const { variable } of parameters) variable.dispose();
  }
}

/** The residual times a factor. */
export function scaleResidual(layers: readonly DenseLayer[], factor: number): DenseLayer[] {
  return layers.map((layer, i) =>
    i < layers.length - 1
      ? layer
      : {
          ...layer,
          weights: { ...layer.weights, data: layer.weights.data.map((x) => x * factor) },
          bias: layer.bias.map((x) => x * factor),
        },
  );
}

/** unit(e + r(e)) of many rows: [n, dimension] → [n, dimension]. */
export function addResidual(text: Matrix, layers: readonly DenseLayer[]): Matrix {
  const data = tf.tidy(() => {
    const x = toTensor(text);
    const added = layers.reduce((y, { weights, bias, slope }) => {
      const z = tf.add<tf.Tensor2D>(tf.matMul(y, toTensor(weights)), tf.tensor1d(bias));
      return slope === 1 ? z : tf.leakyRelu(z, slope);
    }, x);
    return unitRows(tf.add(x, added)).dataSync() as Float32Array;
  });
  return { ...text, data: data.slice() };
}

function createParameters(width: number, random: Random): Parameter[] {
  const first = normals(width * HIDDEN, Math.sqrt(2 / width), random);
  return [
    createParameter('weights.0', [width, HIDDEN], first, true),
    createParameter('bias.0', [HIDDEN], new Float32Array(HIDDEN), false),
    createParameter('weights.1', [HIDDEN, width], new Float32Array(HIDDEN * width), true),
    createParameter('bias.1', [width], new Float32Array(width), false),
  ];
}

function layersOf(parameters: readonly Parameter[], width: number): DenseLayer[] {
  const [w0, b0, w1, b1] = parameters.map(({ values }) => values.slice()) as [
    Float32Array,
    Float32Array,
    Float32Array,
    Float32Array,
  ];
  return [
    { weights: { data: w0, rows: width, columns: HIDDEN }, bias: b0, slope: SLOPE },
    { weights: { data: w1, rows: HIDDEN, columns: width }, bias: b1, slope: 1 },
  ];
}

/** The rows of an epoch in batches of about `BATCH`, in random order. */
function* batchesOf(rows: EpochRows, random: Random): Generator<EpochRows> {
  const count = rows.pairs.length;
  const order = shuffle(Int32Array.from(rows.pairs.keys()), random);
  const batches = Math.max(1, Math.round(count / BATCH));
  for (let b = 0; b < batches; b += 1) {
    const [from, to] = [Math.floor((b * count) / batches), Math.floor(((b + 1) * count) / batches)];
    yield selectEpochRows(rows, order.slice(from, to));
  }
}

function gradientsOf(
  parameters: readonly Parameter[],
  pairs: PreparedPairs,
  rows: EpochRows,
  random: Random,
): Float32Array[] {
  return tf.tidy(() => {
    const noisy = (of: Matrix) => {
      const noise = normals(of.data.length, NOISE / Math.sqrt(of.columns), random);
      return toTensor({ ...of, data: of.data.map((x, i) => x + (noise[i] as number)) });
    };
    const image = noisy(takeRows(pairs.image, rows.pairs));
    const text = noisy(textsOf(pairs.text, pairs.further, rows));
    const same = (of: Int32Array) => targetsOf(rows.pairs.map((pair) => of[pair] as number));
    const [counterparts, classes] = [same(pairs.groups), same(pairs.labels)];
    const [w0, b0, w1, b1] = parameters.map(({ variable }) => variable) as [
      tf.Variable,
      tf.Variable,
      tf.Variable,
      tf.Variable,
    ];
    const loss = () => {
      const hidden = tf.leakyRelu(tf.add<tf.Tensor2D>(tf.matMul(text, w0 as tf.Tensor2D), b0), SLOPE);
      const residual = tf.add<tf.Tensor2D>(tf.matMul(hidden, w1 as tf.Tensor2D), b1);
      const similarity = cosines(image, tf.add(text, residual));
      const pull = tf.mul(PENALTY, tf.mean(tf.sum(tf.square(residual), 1)));
      const terms = [counterparts, classes].flatMap(({ targets, counted }) =>
        counted === 0 ? [] : [contrastiveLoss(similarity, targets, TEMPERATURE, counted)],
      );
      return terms.reduce((sum: tf.Tensor, term) => tf.add(sum, term), pull) as tf.Scalar;
    };
    const { grads } = tf.variableGrads(
      loss,
      parameters.map(({ variable }) => variable),
    );
    return parameters.map(({ variable }) => grads[variable.name]?.dataSync() as Float32Array);
  });
}

/** [b, b]: 1 where rows have equal numbers, each row divided by its sum; rows with −1 are 0 and are not counted. */
function targetsOf(numbers: Int32Array): { readonly targets: tf.Tensor2D; readonly counted: number } {
  const size = numbers.length;
  const members = new Map<number, number>();
  for (const number of numbers) members.set(number, (members.get(number) ?? 0) + 1);
  const data = new Float32Array(size * size);
  numbers.forEach((number, i) => {
    if (number < 0) return;
    numbers.forEach((other, j) => {
      if (other === number) data[i * size + j] = 1 / (members.get(number) ?? 1);
    });
  });
  return {
    targets: tf.tensor2d(data, [size, size]),
    counted: numbers.reduce((count, number) => count + (number >= 0 ? 1 : 0), 0),
  };
}
