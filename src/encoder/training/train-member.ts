/** Trains one network of a training run: progress reports, checkpoints, cancellation, divergence. */
import { CommonspaceError } from '../../domain/errors.js';
import type { EpochRecord, TrainOptions, TrainProgress } from '../types.js';
import { fitCca, paddedCcaLayers } from './cca-branch.js';
import type { MemberState } from './member-state.js';
import { createMemberTraining, type TrainedMember } from './member-training.js';
import { pairsOfAnEpoch } from './scale.js';
import { holdOut, type PreparedSource, splitPairs } from './training-data.js';
import { linearStartOf, type StartParameters } from './warm-start.js';

/** What all networks of a training run share. */
export interface Run {
  readonly options: TrainOptions;
  /** What the networks continue from; null: they start from nothing. */
  readonly start: StartParameters | null;
  /** Each epoch is appended to it. */
  readonly history: EpochRecord[];
  readonly report: (progress: TrainProgress) => void;
  /** Lets pending messages be handled; throws CANCELLED when the training is cancelled. */
  readonly yieldToEventLoop: () => Promise<void>;
  /** Epochs between two checkpoints. */
  readonly checkpointEvery: number;
  /** Stores a checkpoint with this state of the current network. */
  readonly checkpoint: (current: MemberState | null) => Promise<void>;
}

/** The number of epochs of the encoder's networks. */
export interface ChosenEpochs {
  readonly epochs: number;
  /** The figure on the held-out rows that it was chosen on; null where none were held out. */
  readonly validation: number | null;
}

/** Which network is trained. */
interface MemberPlan {
  /** Index in the order of training, from 0; see `EpochRecord`. */
  readonly order: number;
  /** Index in the ensemble, from 0. It selects the stream of random numbers. */
  readonly member: number;
  /** Upper limit. */
  readonly epochs: number;
  /** Share of the pairs held out to choose the number of epochs. */
  readonly holdOut: number;
  /** Epochs of all networks, with those that are finished. */
  readonly allEpochs: number;
}

/**
 * Trains one network, or resumes it.
 *
 * @throws CommonspaceError BAD_INPUT if a loss is not finite, BAD_MODEL if the state does not fit, CANCELLED
 */
export async function trainMember(
  prepared: PreparedSource,
  { order, member, epochs, holdOut: share, allEpochs }: MemberPlan,
  resume: MemberState | null,
  { options, start, history, report, yieldToEventLoop, checkpointEvery, checkpoint }: Run,
): Promise<TrainedMember> {
  const split = holdOut(prepared, splitPairs(prepared.pairs.groups, share, options.seed));
  const codeWidth = options.memberDimension || options.dimension;
  // Fitted without the held-out pairs, so that the validation figure measures unseen pairs.
  const network = start?.networks[member] ?? null;
  const linear = !options.ccaSkip
    ? null
    : network !== null
      ? linearStartOf(network)
      : paddedCcaLayers(fitCca(split.training, options), codeWidth, options);
  const training = createMemberTraining(split, options, {
    member,
    epochs,
    codeWidth,
    linear,
    resume,
    start: network && start && { network, classes: start.classes },
  });
  try {
    while (!training.done) {
      const before = performance.now();
      const { best, ...result } = training.runEpoch();
      checkFinite(result);
      history.push({ member: order, ...result });
      const seconds = (performance.now() - before) / 1000;
      const epoch = history.length;
      report({
        ...result,
        kind: 'epoch',
        member: order,
        best,
        epoch,
        epochs: allEpochs,
        pairsPerSecond: pairsOfAnEpoch(split.training.labels.length) / seconds,
        secondsLeft: seconds * (allEpochs - epoch),
      });
      if (result.epoch % checkpointEvery === 0 && !training.done) await checkpoint(training.state());
      await yieldToEventLoop();
    }
    return training.result();
  } finally {
    training.dispose();
  }
}

/** Fails as soon as a loss is not finite. Otherwise the error would appear only when the encoder is loaded. */
function checkFinite({ epoch, losses }: Pick<EpochRecord, 'epoch' | 'losses'>): void {
  const [name] = Object.entries(losses).find(([, loss]) => !Number.isFinite(loss)) ?? [];
  if (name === undefined) return;
  throw new CommonspaceError(
    'BAD_INPUT',
    `the training diverged: in epoch ${epoch} the term ${name} is not a number; lower the learning rate or the weights`,
    ['learningRate'],
  );
}
