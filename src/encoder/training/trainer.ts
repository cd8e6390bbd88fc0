/** A complete training run in the calling thread: normalisation, tuning, the networks one after another, the encoder file. */
import { CommonspaceError } from '../../domain/errors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { embeddingWidth } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { saveEncoder } from '../inference/serialise.js';
import type { Matrix } from '../math/matrix.js';
import type {
  EpochRecord,
  JsonValue,
  TrainedEncoder,
  TrainOptions,
  TrainOptionsInput,
  TrainProgress,
} from '../types.js';
import { alignedEncoder } from './aligned-branch.js';
import { buildAlignedEncoder, buildEncoder } from './build-encoder.js';
import {
  type Checkpoint,
  checkResumable,
  decodeCheckpoint,
  digestSource,
  encodeCheckpoint,
} from './checkpoint.js';
import { type AlignedChoice, chooseAlignedShare } from './choose-aligned-share.js';
import { learnTextSide, type TextSide } from './learn-text-side.js';
import type { TrainedMember } from './member-training.js';
import { fitNameMap } from './name-map.js';
import { resolveTrainOptions } from './presets.js';
import { checkSource } from './source-checks.js';
import { type OpenSource, ScratchRows } from './stored-source.js';
import { trainFrozen } from './train-frozen.js';
import { CHECKPOINT_EVERY, type TrainHooks } from './train-hooks.js';
import { type ChosenEpochs, type Run, trainMember } from './train-member.js';
import { type PreparedSource, prepareSource, splitPairs } from './training-data.js';
import { type Tuned, tuneOptions, untuned } from './tune.js';
import { readWarmStart } from './warm-start.js';

/**
 * Trains an encoder in the calling thread and blocks it: `trainEncoder` does the same in a worker thread. The same source set,
 * options and tensor backend give the same bytes. `signal` is checked after each epoch.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT, BAD_MODEL, BAD_ROWS, DISK_FULL or CANCELLED, as `trainEncoder`
 */
export async function trainInThisThread(
  source: OpenSource,
  input: TrainOptionsInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const scratch = ScratchRows.beside(source, 'training');
  try {
    return await train(source, input, hooks, scratch);
  } finally {
    scratch?.remove();
  }
}

async function train(
  source: OpenSource,
  input: TrainOptionsInput,
  hooks: TrainHooks,
  scratch: ScratchRows | null,
): Promise<TrainedEncoder> {
  const { onProgress, signal, warmStart = null } = hooks;
  const asked = resolveTrainOptions(input);
  checkSource(source);
  const { backend } = await loadTensorBackend();
  const identity = { options: asked, source: digestSource(source, warmStart), backend };
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
  const log = (message: string) => report({ kind: 'prepare', message });
  if (asked.freeze === 'image') {
    const trained = await trainFrozen(source, asked, warmStart, { yieldToEventLoop, log });
    return { ...trained, seconds: seconds() };
  }
  log('principal components');
  const start = warmStart && readWarmStart(warmStart, source, asked);
  const prepared = prepareSource(source, asked, scratch, start?.normalisation ?? null);
  await yieldToEventLoop();
  const tuned =
    resumed?.tuned ??
    // An encoder that is continued keeps the options that were chosen for it.
    (start === null ? await tuneOptions(prepared, asked, { yieldToEventLoop, log }) : untuned(asked));
  const { options } = tuned;

  // Where tuning has not chosen the epochs, a network with held-out pairs does.
  const { validation: held } = splitPairs(prepared.pairs.groups, options.validation, options.seed);
  const holdsOut = tuned.figure === null && start === null && held.length > 0;
  let chosen: ChosenEpochs | null =
    resumed?.chosen ?? (holdsOut ? null : { epochs: options.epochs, validation: tuned.figure });

  const run: Run = {
    options,
    start,
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
        chosen,
        finished: members,
        current,
        history,
        seconds: seconds(),
      };
      await hooks.onCheckpoint?.(encodeCheckpoint(checkpoint));
    },
  };

  let state = resumed?.current ?? null;
  if (chosen === null) {
    const allEpochs = options.epochs * (1 + options.members);
    const plan = { order: 0, member: 0, epochs: options.epochs, holdOut: options.validation, allEpochs };
    chosen = chooseEpochs(await trainMember(prepared, plan, state, run), options);
    state = null;
    if (hooks.onCheckpoint) await run.checkpoint(null);
  }
  const { epochs } = chosen;
  const before = holdsOut ? history.filter(({ member }) => member === 0).length : 0;
  const allEpochs = before + epochs * options.members;
  while (members.length < options.members) {
    const member = members.length;
    const order = member + (holdsOut ? 1 : 0);
    const plan = { order, member, epochs, holdOut: 0, allEpochs };
    members.push(await trainMember(prepared, plan, state, run));
    state = null;
    if (hooks.onCheckpoint) await run.checkpoint(null);
  }
  const aligned = source.sharedSpace
    ? await chooseAlignedShare(prepared, options, { yieldToEventLoop, log })
    : null;
  // Where networks do not improve on the model, a residual of the text side may: it needs fewer pairs.
  const textSide =
    aligned?.share === 1
      ? await learnTextSide(alignedEncoder(prepared.normalisation), source, options, {
          yieldToEventLoop,
          log,
        })
      : null;
  const names = source.classEmbeddings.columns === source.text.columns ? source.classEmbeddings : null;
  return {
    ...finish(prepared, names, members, tuned, chosen, history, aligned, textSide),
    seconds: seconds(),
  };
}

/** Lower limit of the number of epochs chosen, as a share: on few pairs an early epoch may be the best by chance. */
const LEAST_EPOCHS = 0.25;

function chooseEpochs({ bestEpoch, validation }: TrainedMember, { epochs }: TrainOptions): ChosenEpochs {
  return { epochs: Math.max(bestEpoch, Math.ceil(epochs * LEAST_EPOCHS)), validation };
}

/** A pre-trained model that embeds texts has its own place for a name: only other encoders get a map. */
function withNameMap(
  parameters: EncoderParameters,
  prepared: PreparedSource,
  names: Matrix | null,
): EncoderParameters {
  if (names === null || prepared.classEmbeddingKind !== 'name') return parameters;
  return { ...parameters, nameMap: fitNameMap(parameters, prepared, names) };
}

/** Number of tuning trials stored with the encoder, best first. */
const KEPT_TRIALS = 10;

/**
 * Builds the encoder of the trained networks, and its file.
 *
 * @param names [classes, features]: class embeddings in the feature space of the texts
 */
function finish(
  prepared: PreparedSource,
  names: Matrix | null,
  members: readonly TrainedMember[],
  { options, trials, notes: tuningNotes }: Tuned,
  { epochs: bestEpoch, validation }: ChosenEpochs,
  history: readonly EpochRecord[],
  aligned: AlignedChoice | null,
  textSide: TextSide | null,
): Omit<TrainedEncoder, 'seconds'> {
  const parameters =
    textSide?.parameters ??
    (aligned === null
      ? withNameMap(buildEncoder(prepared, members, options), prepared, names)
      : buildAlignedEncoder(prepared, members, options, aligned.share));
  const { classEmbeddingKind } = prepared;
  const choices = [aligned?.note, textSide?.choice.note].filter((note) => note !== undefined);
  const notes = [...prepared.notes, ...tuningNotes, ...choices];
  // All fields are plain values, so JSON can represent them.
  const about = {
    options,
    notes,
    trials: trials.slice(0, KEPT_TRIALS),
    ...(aligned !== null && { alignedTrials: aligned.trials }),
    ...(textSide !== null && { textTrials: textSide.choice.trials }),
    classEmbeddingKind,
    bestEpoch,
    validation,
    history,
  } as unknown as JsonValue;
  return {
    bytes: saveEncoder(parameters, about),
    dimension: embeddingWidth(parameters),
    options,
    epochs: history.length,
    bestEpoch,
    validation,
    classEmbeddingKind,
    alignedShare: aligned?.share ?? null,
    history,
    notes,
  };
}
