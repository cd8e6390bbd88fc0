/** Trains one network of the ensemble, epoch by epoch. Its state can be saved and resumed. */
import type { Modality } from '../../domain/modality.js';
import { tf } from '../../platform/tfjs.js';
import type { Branch } from '../inference/parameters.js';
import { createRandom, type Random, randomFromState, shuffle } from '../math/random.js';
import {
  encodeInference,
  foldBatchNorm,
  populationStatistics,
  type Statistics,
} from '../network/fold-batch-norm.js';
import { unitRows } from '../network/layers.js';
import { createNetwork, type LinearStart } from '../network/network.js';
import { oneCycle } from '../network/optimiser.js';
import { toTensor } from '../network/tensors.js';
import type { EpochRecord, TrainOptions } from '../types.js';
import { disposeSource, makeBatch, uploadSource } from './batch.js';
import { drawRows, type EpochRows, selectEpochRows, textsOf } from './further-texts.js';
import {
  copyWeights,
  type MemberState,
  restoreArrays,
  saveArrays,
  setWeights,
  type Weights,
} from './member-state.js';
import { STATISTICS_ROWS, sampledRows } from './scale.js';
import { applyGradients, computeGradients, type StepResult } from './train-step.js';
import type { SplitSource } from './training-data.js';
import { validationFigure } from './validation-figure.js';
import { startFrom } from './warm-start.js';

/** A network of the ensemble whose training has finished. */
export interface TrainedMember {
  readonly branches: Readonly<Record<Modality, Branch>>;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly validation: number | null;
}

interface EpochResult extends Omit<EpochRecord, 'member'> {
  /** Whether no earlier epoch had a better validation figure. */
  readonly best: boolean;
}

/** A training in progress. It owns its tensors until `dispose` is called. */
export interface MemberTraining {
  /** Whether all epochs are completed, or early stopping has ended the training. */
  readonly done: boolean;
  /** Epochs completed. */
  readonly epoch: number;
  readonly bestEpoch: number;
  readonly bestValidation: number | null;
  runEpoch(): EpochResult;
  /** The network after its best epoch, with batch normalisation folded into dense layers. */
  result(): TrainedMember;
  state(): MemberState;
  dispose(): void;
}

/** What distinguishes one network of the ensemble from the others. */
interface MemberPlan {
  /** Index in the ensemble, from 0. It selects the stream of random numbers. */
  readonly member: number;
  /** Upper limit of epochs. The learning rate schedule spans all of them. */
  readonly epochs: number;
  readonly codeWidth: number;
  /** Initial values of the linear path; null: the network has none. */
  readonly linear: LinearStart | null;
  /** What the network continues from; null or absent: it starts at random. */
  readonly start?: {
    readonly network: Readonly<Record<Modality, Branch>>;
    readonly classes: Int32Array;
  } | null;
  /** State of an earlier training with the same source set and options. */
  readonly resume?: MemberState | null;
}

/**
 * Starts or resumes the training of one network.
 *
 * @throws CommonspaceError BAD_MODEL if the state to resume does not fit the network
 */
export function createMemberTraining(
  source: SplitSource,
  options: TrainOptions,
  { member, epochs, codeWidth, linear, start = null, resume = null }: MemberPlan,
): MemberTraining {
  const { training, validation } = source;
  const pairs = training.labels.length;
  const { further } = training;
  const rowsOf = (epoch: number) => drawRows(pairs, further, options, member, epoch);
  const batches = Math.max(1, Math.round(rowsOf(0).pairs.length / options.batchSize));
  const shape = {
    components: { IMAGE: training.image.columns, TEXT: training.text.columns },
    code: codeWidth,
    classes: source.classes,
    classEmbedding: source.classEmbeddings?.columns ?? 0,
  };
  let random: Random = createRandom(options.seed, 10 + member);
  const network = createNetwork(shape, options, random, linear);
  const tensors = uploadSource(source);
  const held = validation && { image: toTensor(validation.image), text: toTensor(validation.text) };
  // Batch normalisation in use takes its statistics from the texts that the network is trained on.
  const ofStatistics = () => {
    const rows = rowsOf(0);
    return selectEpochRows(rows, sampledRows(rows.pairs.length, STATISTICS_ROWS, pairs));
  };
  const texts = further === null ? null : toTensor(textsOf(training.text, further, ofStatistics()));
  const dispose = () => {
    network.dispose();
    disposeSource(tensors);
    if (held) tf.dispose([held.image, held.text]);
    texts?.dispose();
  };

  if (start !== null && resume === null) {
    const rows = { IMAGE: tensors.image, TEXT: texts ?? tensors.text };
    startFrom(network, start.network, rows, start.classes);
  }

  let epoch = 0;
  let step = 0;
  let bestEpoch = 0;
  let bestValidation: number | null = null;
  let best: Weights = new Map();
  if (resume) {
    ({ epoch, step, bestEpoch, bestValidation } = resume);
    random = randomFromState(resume.random);
    try {
      best = restoreArrays(network, resume.arrays);
    } catch (error) {
      dispose();
      throw error;
    }
  }

  const statistics = (modality: Modality): Statistics[] =>
    populationStatistics(network, modality, modality === 'IMAGE' ? tensors.image : (texts ?? tensors.text));

  const validate = (): number | null => {
    if (!validation || !held) return null;
    const codes = (modality: Modality, rows: tf.Tensor2D) =>
      tf.tidy(() => {
        const unit = unitRows(encodeInference(network, modality, rows, statistics(modality)));
        return unit.dataSync() as Float32Array;
      });
    return validationFigure(validation, codes('IMAGE', held.image), codes('TEXT', held.text), codeWidth);
  };

  const runBatch = (rows: EpochRows): StepResult => {
    let result: StepResult = { losses: {}, discriminatorAccuracy: null, gradients: new Map() };
    tf.tidy(() => {
      result = computeGradients(
        network,
        makeBatch(tensors, rows, network, random),
        step / (batches * epochs),
      );
    });
    step += 1;
    applyGradients(network, result, step, oneCycle(step - 1, batches * epochs, options.learningRate));
    return result;
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
      const drawn = rowsOf(epoch + 1);
      const count = drawn.pairs.length;
      const order = shuffle(
        Int32Array.from({ length: count }, (_, i) => i),
        random,
      );
      const losses: Record<string, number> = {};
      let accuracy: number | null = null;
      for (let b = 0; b < batches; b += 1) {
        const rows = order.slice(Math.floor((b * count) / batches), Math.floor(((b + 1) * count) / batches));
        const result = runBatch(selectEpochRows(drawn, rows));
        for (const [name, loss] of Object.entries(result.losses))
          losses[name] = (losses[name] ?? 0) + loss / batches;
        if (result.discriminatorAccuracy !== null)
          accuracy = (accuracy ?? 0) + result.discriminatorAccuracy / batches;
      }
      epoch += 1;
      const figure = validate();
      // Without validation pairs, the last epoch is the best: the schedule ends at a learning rate near 0.
      const isBest = figure === null || bestValidation === null || figure > bestValidation;
      if (isBest) {
        bestEpoch = epoch;
        bestValidation = figure;
        if (figure !== null) best = copyWeights(network);
      }
      return { epoch, losses, discriminatorAccuracy: accuracy, validation: figure, best: isBest };
    },
    result() {
      if (best.size > 0) setWeights(network, best);
      const folded = (modality: Modality) => foldBatchNorm(network, modality, statistics(modality));
      const branches = { IMAGE: folded('IMAGE'), TEXT: folded('TEXT') };
      return { branches, epochs: epoch, bestEpoch, validation: bestValidation };
    },
    state: () => ({
      epoch,
      step,
      random: random.state(),
      bestEpoch,
      bestValidation,
      arrays: saveArrays(network, best),
    }),
    dispose,
  };
}
