/** A complete training run in the calling thread: normalisation, tuning, the networks one after another, the encoder file. */
import { CommonspaceError } from '../../domain/errors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { embeddingWidth } from '../inference/embed.js';
import { saveEncoder } from '../inference/serialise.js';
import type {
  EpochRecord,
  JsonValue,
  SourceSet,
  TrainedEncoder,
  TrainOptions,
  TrainOptionsInput,
  TrainProgress,
} from '../types.js';
import { buildEncoder } from './build-encoder.js';
import { fitCca, paddedCcaLayers } from './cca-branch.js';
import {
  type Checkpoint,
  checkResumable,
  decodeCheckpoint,
  digestSource,
  encodeCheckpoint,
} from './checkpoint.js';
import type { MemberState } from './member-state.js';
import { createMemberTraining, type TrainedMember } from './member-training.js';
import { resolveTrainOptions } from './presets.js';
import { checkSource } from './source-checks.js';
import { CHECKPOINT_EVERY, type TrainHooks } from './train-hooks.js';
import { holdOut, type PreparedSource, prepareSource, splitPairs } from './training-data.js';
import { tuneOptions } from './tune.js';

/**
 * Trains an encoder in the calling thread and blocks it: `trainEncoder` does the same in a worker thread. The same source set,
 * options and tensor backend give the same bytes. `signal` is checked after each epoch.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT, BAD_MODEL or CANCELLED, as `trainEncoder`
 */
export async function trainInThisThread(
  source: SourceSet,
  input: TrainOptionsInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const { onProgress, signal } = hooks;
  const asked = resolveTrainOptions(input);
  checkSource(source);
  const { backend } = await loadTensorBackend();
  const identity = { options: asked, source: digestSource(source), backend };
  const resumed = hooks.resumeFrom ? decodeCheckpoint(hooks.resumeFrom) : null;
  if (resumed) checkResumable(resumed, identity);

  const started = performance.now();
  const seconds = () => (resumed?.seconds ?? 0) + (performance.now() - started) / 1000;
  const members: TrainedMember[] = [...(resumed?.finished ?? [])];
  const history: EpochRecord[] = [...(resumed?.history ?? [])];
  const report = (progress: TrainProgress) => onProgress?.(progress);
  /** Lets pending messages be handled, for example a cancellation. */
  const yieldToEventLoop = async () => {
    await new Promise((resolve) => setImmediate(resolve));
    if (signal?.aborted) throw new CommonspaceError('CANCELLED', 'the training was cancelled');
  };

  await yieldToEventLoop();
  report({ kind: 'prepare', message: 'principal components' });
  const prepared = prepareSource(source, asked);
  await yieldToEventLoop();
  const log = (message: string) => report({ kind: 'prepare', message });
  const tuned = resumed?.tuned ?? (await tuneOptions(prepared, asked, { yieldToEventLoop, log }));
  const { options } = tuned;

  const run: Run = {
    options,
    history,
    report,
    yieldToEventLoop,
    checkpointEvery: hooks.onCheckpoint
      ? (hooks.checkpointEvery ?? CHECKPOINT_EVERY)
      : Number.POSITIVE_INFINITY,
    checkpoint: async (current) => {
      const checkpoint: Checkpoint = {
        ...identity,
        tuned,
        finished: members,
        current,
        history,
        seconds: seconds(),
      };
      await hooks.onCheckpoint?.(encodeCheckpoint(checkpoint));
    },
  };

  let state = resumed?.current ?? null;
  for (let member = members.length; member < options.members; member += 1) {
    // The first network holds pairs out, which determines the number of epochs. The others train on all pairs for as many.
    const epochs = members[0]?.epochs ?? options.epochs;
    members.push(await trainMember(prepared, member, epochs, state, run));
    state = null;
    if (hooks.onCheckpoint) await run.checkpoint(null);
  }
  const parameters = buildEncoder(prepared, members, options);

  const { bestEpoch = 0, validation = null } = members[0] ?? {};
  const { classEmbeddingKind } = prepared;
  const notes = [...prepared.notes, ...tuned.notes];
  // All fields are plain values, so JSON can represent them.
  const about = {
    options,
    notes,
    trials: tuned.trials.slice(0, KEPT_TRIALS),
    classEmbeddingKind,
    bestEpoch,
    validation,
    history,
  } as unknown as JsonValue;
  return {
    bytes: saveEncoder(parameters, about),
    dimension: embeddingWidth(parameters),
    options,
    epochs: members.reduce((sum, member) => sum + member.epochs, 0),
    bestEpoch,
    validation,
    seconds: seconds(),
    classEmbeddingKind,
    history,
    notes,
  };
}

/** Number of tuning trials stored with the encoder, best first. */
const KEPT_TRIALS = 10;

/** What all networks of a training run share. */
interface Run {
  readonly options: TrainOptions;
  readonly history: EpochRecord[];
  readonly report: (progress: TrainProgress) => void;
  readonly yieldToEventLoop: () => Promise<void>;
  readonly checkpointEvery: number;
  readonly checkpoint: (current: MemberState | null) => Promise<void>;
}

/** Trains one network of the ensemble, or resumes it. */
async function trainMember(
  prepared: PreparedSource,
  member: number,
  epochs: number,
  resume: MemberState | null,
  { options, history, report, yieldToEventLoop, checkpointEvery, checkpoint }: Run,
): Promise<TrainedMember> {
  const share = member === 0 ? options.validation : 0;
  const split = holdOut(prepared, splitPairs(prepared.pairs.labels.length, share, options.seed));
  const codeWidth = options.memberDimension || options.dimension;
  // Fitted without the held-out pairs, so that the validation figure measures unseen pairs.
  const linear = options.ccaSkip
    ? paddedCcaLayers(fitCca(split.training, options), codeWidth, options)
    : null;
  const training = createMemberTraining(split, options, { member, epochs, codeWidth, linear, resume });
  try {
    while (!training.done) {
      const before = performance.now();
      const { best, ...result } = training.runEpoch();
      checkFinite(result);
      history.push({ member, ...result });
      const seconds = (performance.now() - before) / 1000;
      const all = epochs * options.members;
      const epoch = member * epochs + result.epoch;
      report({
        ...result,
        kind: 'epoch',
        member,
        best,
        epoch,
        epochs: all,
        pairsPerSecond: split.training.labels.length / seconds,
        secondsLeft: seconds * (all - epoch),
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
