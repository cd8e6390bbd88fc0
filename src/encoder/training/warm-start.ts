/**
 * Training that continues from a trained encoder. Its file has the layers with batch normalisation folded in, so the parameters
 * are found again by one pass over rows of the new training set: a layer keeps its folded weights, and scale and shift undo the
 * normalisation of the batch. Decoders and discriminator are not in the file, and start at random.
 */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import type { Normalisation } from '../inference/normalise.js';
import type { Branch, DenseLayer, EncoderParameters } from '../inference/parameters.js';
import { loadParameters } from '../inference/serialise.js';
import { VARIANCE_EPSILON } from '../network/layers.js';
import { hiddenWidths, type LinearStart, type Network } from '../network/network.js';
import { type Parameter, publish } from '../network/optimiser.js';
import { toTensor } from '../network/tensors.js';
import type { TrainOptions } from '../types.js';

/** What a training continues from. */
export interface WarmStart {
  /** The encoder file. */
  readonly bytes: Uint8Array;
  /** [classes of the new training set]: the number that a class had in the encoder's training set, −1 for a new class. */
  readonly classes: Int32Array;
}

/** The parts of an encoder file that a training continues from. */
export interface StartParameters {
  readonly normalisation: Readonly<Record<Modality, Normalisation>>;
  /** [members] */
  readonly networks: readonly Readonly<Record<Modality, Branch>>[];
  readonly classes: Int32Array;
}

/**
 * Reads an encoder file and checks that these options continue it.
 *
 * @throws CommonspaceError BAD_MODEL for a file that cannot be read; BAD_INPUT, with every difference, if features, the number of
 *   networks or the shape of one differ
 */
export function readWarmStart(
  { bytes, classes }: WarmStart,
  source: FeatureWidths,
  options: TrainOptions,
): StartParameters {
  const { sides } = loadParameters(bytes);
  const differences = [
    ...differencesOf('image features', sides.IMAGE.normalisation.mean.length, source.image.columns),
    ...differencesOf('text features', sides.TEXT.normalisation.mean.length, source.text.columns),
    ...MODALITIES.flatMap((modality) => shapeDifferences(sides, modality, options)),
  ];
  if (differences.length > 0) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `the encoder to continue from has another shape: ${differences.join('; ')}`,
      ['from'],
    );
  }
  const networks = networksOf(sides.IMAGE.branches).map((image, i) => ({
    IMAGE: image,
    TEXT: networksOf(sides.TEXT.branches)[i] as Branch,
  }));
  return {
    normalisation: { IMAGE: sides.IMAGE.normalisation, TEXT: sides.TEXT.normalisation },
    networks,
    classes,
  };
}

/**
 * Checks that networks of these options can continue an encoder.
 *
 * @throws CommonspaceError as `readWarmStart`
 */
export function checkWarmStart(bytes: Uint8Array, options: TrainOptions): void {
  const { sides } = loadParameters(bytes);
  const widthOf = (modality: Modality) => ({ columns: sides[modality].normalisation.mean.length });
  readWarmStart(
    { bytes, classes: new Int32Array() },
    { image: widthOf('IMAGE'), text: widthOf('TEXT') },
    options,
  );
}

interface FeatureWidths {
  readonly image: { readonly columns: number };
  readonly text: { readonly columns: number };
}

/** The linear paths of a network, as initial values; null for a network without them. */
export function linearStartOf({ IMAGE, TEXT }: Readonly<Record<Modality, Branch>>): LinearStart | null {
  return IMAGE.skip && TEXT.skip && { IMAGE: IMAGE.skip, TEXT: TEXT.skip };
}

/**
 * Sets the parameters of a network so that it computes what the branches do on these rows.
 *
 * @param rows [n, components] of each modality: training rows, or a sample of many
 */
export function startFrom(
  network: Network,
  branches: Readonly<Record<Modality, Branch>>,
  rows: Readonly<Record<Modality, tf.Tensor2D>>,
  classes: Int32Array,
): void {
  for (const modality of MODALITIES) {
    const { layers } = branches[modality];
    tf.tidy(() => {
      let x = rows[modality];
      layers.slice(0, -1).forEach((layer, i) => {
        set(network, `${modality}.${i}.weights`, layer.weights.data);
        const z = tf.matMul<tf.Tensor2D>(x, toTensor(layer.weights));
        const { mean, variance } = tf.moments(z, 0);
        const deviations = variance.dataSync().map((v) => Math.sqrt(v + VARIANCE_EPSILON));
        set(network, `${modality}.${i}.scale`, Float32Array.from(deviations));
        set(network, `${modality}.${i}.shift`, tf.add(mean, tf.tensor1d(layer.bias)).dataSync());
        x = tf.leakyRelu(tf.add(z, tf.tensor1d(layer.bias)), layer.slope) as tf.Tensor2D;
      });
    });
    const code = layers.at(-1);
    if (code) set(network, `${modality}.code.weights`, code.weights.data);
  }
  startClassifier(network, branches.IMAGE.head, classes);
}

/** Classes that the encoder knows keep their weights; the others start at random. */
function startClassifier({ parameters, shape }: Network, head: DenseLayer | null, classes: Int32Array): void {
  const [weights, bias] = [parameters.get('classifier.weights'), parameters.get('classifier.bias')];
  if (!weights || !bias || head === null) return;
  const known = head.bias.length;
  classes.forEach((before, c) => {
    if (before < 0 || before >= known) return;
    for (let i = 0; i < shape.code; i += 1)
      weights.values[i * shape.classes + c] = head.weights.data[i * known + before] as number;
    bias.values[c] = head.bias[before] as number;
  });
  publish(weights);
  publish(bias);
}

function set({ parameters }: Network, name: string, values: ArrayLike<number>): void {
  const parameter = parameters.get(name) as Parameter;
  parameter.values.set(values);
  publish(parameter);
}

/** The CCA branch has no layers. */
function networksOf(branches: readonly Branch[]): readonly Branch[] {
  return branches.filter(({ layers }) => layers.length > 0);
}

function shapeDifferences(
  sides: EncoderParameters['sides'],
  modality: Modality,
  options: TrainOptions,
): string[] {
  const networks = networksOf(sides[modality].branches);
  const name = modality.toLowerCase();
  const widths = [...hiddenWidths(options, modality), options.memberDimension || options.dimension];
  return [
    ...differencesOf('networks', networks.length, options.members),
    ...networks.flatMap(({ layers, skip }) => [
      ...differencesOf(`${name} layers`, layers.map(({ bias }) => bias.length).join(' '), widths.join(' ')),
      ...differencesOf(`${name} linear path`, skip !== null, options.ccaSkip),
      ...layers.slice(0, -1).flatMap(({ slope }) => differencesOf(`${name} slope`, slope, options.slope)),
    ]),
  ].filter((difference, i, all) => all.indexOf(difference) === i);
}

function differencesOf(name: string, before: unknown, now: unknown): string[] {
  return before === now ? [] : [`${name} ${String(before)}, not ${String(now)}`];
}
