/** The training of one network, epoch by epoch. Its whole state can be written down and taken up again. */

import { CommonspaceError } from '../../domain/errors.js';
import { evaluateRetrieval } from '../../domain/metrics.js';
import type { Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import type { Branch } from '../inference/parameters.js';
import { createRandom, type Random, randomFromState, shuffle } from '../math/random.js';
import {
  encodeInference,
  foldBranch,
  populationStatistics,
  type Statistics,
} from '../network/fold-batch-norm.js';
import { unitRows } from '../network/layers.js';
import { createNetwork, type Network, type SkipStart, toTensor } from '../network/network.js';
import { oneCycle, type Parameter, publish } from '../network/optimiser.js';
import type { EpochRecord, TrainOptions } from '../types.js';
import { makeBatch, type SourceTensors } from './batch.js';
import { applyGradients, computeGradients, type StepResult } from './train-step.js';
import type { PreparedPairs, SplitSource } from './training-data.js';

interface EpochResult extends Omit<EpochRecord, 'member'> {
  readonly best: boolean;
}

/** Everything that a resumed training needs to go on as if it had never stopped. */
export interface MemberState {
  readonly epoch: number;
  readonly step: number;
  readonly random: readonly number[];
  readonly bestEpoch: number;
  readonly bestValidation: number | null;
  /** Values and Adam's moments by parameter name, and the best epoch's values as `best.NAME`. */
  readonly arrays: ReadonlyMap<string, Float32Array>;
}

export interface MemberTraining {
  readonly done: boolean;
  /** How many are run. */
  readonly epoch: number;
  readonly bestEpoch: number;
  readonly bestValidation: number | null;
  runEpoch(): EpochResult;
  /** The best epoch's network as plain layers. */
  branches(): Readonly<Record<Modality, Branch>>;
  state(): MemberState;
  dispose(): void;
}

/**
 * @param member 0, 1, …: members of an ensemble differ in their random numbers only
 * @param epochs how many at most, which is also what the learning rate's schedule spans
 * @param resume where another training of the same source and options stopped
 */
export function createMemberTraining(
  source: SplitSource,
  options: TrainOptions,
  codeWidth: number,
  member: number,
  epochs: number,
  skip: SkipStart | null,
  resume: MemberState | null = null,
): MemberTraining {
  const { training, validation } = source;
  const pairs = training.labels.length;
  const batches = Math.max(1, Math.round(pairs / options.batchSize));
  const shape = {
    components: { IMAGE: training.image.columns, TEXT: training.text.columns },
    code: codeWidth,
    classes: source.classes,
    classEmbedding: source.classEmbeddings?.columns ?? 0,
  };
  let random: Random = createRandom(options.seed, 10 + member);
  const network = createNetwork(shape, options, random, skip);
  const tensors = uploadSource(source);
  const held =
    validation === null ? null : { image: toTensor(validation.image), text: toTensor(validation.text) };

  let epoch = 0;
  let step = 0;
  let bestEpoch = 0;
  let bestValidation: number | null = null;
  let best = new Map<string, Float32Array>();
  if (resume) {
    ({ epoch, step, bestEpoch, bestValidation } = resume);
    random = randomFromState(resume.random);
    best = restore(network, resume.arrays);
  }

  const statistics = (modality: Modality): Statistics[] =>
    populationStatistics(network, modality, modality === 'IMAGE' ? tensors.image : tensors.text);

  const validate = (): number | null => {
    if (!validation || !held) return null;
    const codes = (modality: Modality, rows: tf.Tensor2D) =>
      tf.tidy(() => {
        const unit = unitRows(encodeInference(network, modality, rows, statistics(modality)));
        return unit.dataSync() as Float32Array;
      });
    return validationFigure(validation, codes('IMAGE', held.image), codes('TEXT', held.text), codeWidth);
  };

  return {
    get done() {
      return (
        epoch >= epochs ||
        (options.patience > 0 && validation !== null && epoch - bestEpoch >= options.patience)
      );
    },
    get epoch() {
      return epoch;
    },
    get bestEpoch() {
      return bestEpoch;
    },
    get bestValidation() {
      return bestValidation;
    },
    runEpoch() {
      const order = shuffle(
        Int32Array.from({ length: pairs }, (_, i) => i),
        random,
      );
      const sums: Record<string, number> = {};
      let accuracy: number | null = null;
      for (let b = 0; b < batches; b += 1) {
        const rows = order.slice(Math.floor((b * pairs) / batches), Math.floor(((b + 1) * pairs) / batches));
        let result: StepResult = { losses: {}, discriminatorAccuracy: null, gradients: new Map() };
        tf.tidy(() => {
          result = computeGradients(network, makeBatch(tensors, rows, network, random));
        });
        step += 1;
        applyGradients(network, result, step, oneCycle(step - 1, batches * epochs, options.learningRate));
        for (const [name, loss] of Object.entries(result.losses))
          sums[name] = (sums[name] ?? 0) + loss / batches;
        if (result.discriminatorAccuracy !== null)
          accuracy = (accuracy ?? 0) + result.discriminatorAccuracy / batches;
      }
      epoch += 1;
      const figure = validate();
      // Without validation pairs the last epoch is the best: the schedule ends at a learning rate of nearly nothing.
      const isBest = figure === null || bestValidation === null || figure > bestValidation;
      if (isBest) {
        bestEpoch = epoch;
        bestValidation = figure;
        if (figure !== null) best = snapshot(network);
      }
      return { epoch, losses: sums, discriminatorAccuracy: accuracy, validation: figure, best: isBest };
    },
    branches() {
      if (best.size > 0) putBack(network, best);
      const folded = (modality: Modality) => foldBranch(network, modality, statistics(modality));
      return { IMAGE: folded('IMAGE'), TEXT: folded('TEXT') };
    },
    state: () => ({
      epoch,
      step,
      random: random.state(),
      bestEpoch,
      bestValidation,
      arrays: arraysOf(network, best),
    }),
    dispose() {
      network.dispose();
      tf.dispose([tensors.image, tensors.text, tensors.deviation.IMAGE, tensors.deviation.TEXT]);
      tensors.classEmbeddings?.dispose();
      if (held) tf.dispose([held.image, held.text]);
    },
  };
}

/** map@all by class, or MRR@10 of the counterpart where no pair has a class: the mean of both directions. */
export function validationFigure(
  { labels }: PreparedPairs,
  image: Float32Array,
  text: Float32Array,
  columns: number,
): number {
  const pairs = Int32Array.from(labels, (_, i) => i);
  const side = (data: Float32Array) => ({
    embeddings: { data, rows: labels.length, columns },
    classes: labels,
    pairs,
  });
  const { mean } = evaluateRetrieval(side(image), side(text));
  return mean.map ?? mean.mrrAt10 ?? 0;
}

function uploadSource({ training, classes, classEmbeddings }: SplitSource): SourceTensors {
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

function snapshot(network: Network): Map<string, Float32Array> {
  return new Map([...network.parameters].map(([name, { values }]) => [name, values.slice()]));
}

function putBack(network: Network, values: ReadonlyMap<string, Float32Array>): void {
  for (const [name, parameter] of network.parameters) {
    const kept = values.get(name);
    parameter.values.set(sameLength(kept, parameter));
    publish(parameter);
  }
}

function arraysOf(network: Network, best: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const arrays = new Map<string, Float32Array>();
  for (const [name, { values, firstMoment, secondMoment }] of network.parameters) {
    arrays.set(`values.${name}`, values.slice());
    arrays.set(`first.${name}`, firstMoment.slice());
    arrays.set(`second.${name}`, secondMoment.slice());
  }
  for (const [name, values] of best) arrays.set(`best.${name}`, values.slice());
  return arrays;
}

/** Puts a state's numbers into a fresh network; returns the best epoch's values. */
function restore(network: Network, arrays: ReadonlyMap<string, Float32Array>): Map<string, Float32Array> {
  const named = (prefix: string) =>
    new Map(
      [...arrays].flatMap(([name, a]) =>
        name.startsWith(prefix) ? [[name.slice(prefix.length), a] as const] : [],
      ),
    );
  putBack(network, named('values.'));
  const first = named('first.');
  const second = named('second.');
  for (const [name, parameter] of network.parameters) {
    parameter.firstMoment.set(sameLength(first.get(name), parameter));
    parameter.secondMoment.set(sameLength(second.get(name), parameter));
  }
  return new Map([...named('best.')].map(([name, a]) => [name, a.slice()]));
}

function sameLength(found: Float32Array | undefined, { name, values }: Parameter): Float32Array {
  if (found?.length === values.length) return found;
  throw new CommonspaceError(
    'BAD_MODEL',
    `a checkpoint cannot be resumed: ${name} has ${found?.length ?? 'no'} numbers where ${values.length} belong`,
  );
}
