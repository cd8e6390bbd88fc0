/** A whole training in this thread: normalisation, CCA, the networks one after another, folding, saving. */
import { CommonspaceError } from '../domain/errors.js';
import type { Modality } from '../domain/modality.js';
import { loadTensorBackend } from '../platform/tensor-backend.js';
import { type Cca, ccaLayer, ccaStatistics, solveCca } from './cca.js';
import {
  type Checkpoint,
  checkResumable,
  decodeCheckpoint,
  digestSource,
  encodeCheckpoint,
  type TrainedMember,
} from './checkpoint.js';
import { embeddingProjection } from './compress.js';
import { embeddingWidth } from './inference.js';
import { createMemberTraining, type MemberState } from './member-training.js';
import type { SkipStart } from './network.js';
import type { EncoderParameters } from './parameters.js';
import { ccaWidth, resolveTrainOptions } from './presets.js';
import { saveEncoder } from './serialise.js';
import { CHECKPOINT_EVERY, type TrainHooks } from './train-hooks.js';
import {
  checkSource,
  holdOut,
  type PreparedPairs,
  type PreparedSource,
  prepareSource,
  splitPairs,
} from './training-data.js';
import type {
  EpochRecord,
  JsonValue,
  SourceSet,
  TrainedEncoder,
  TrainOptions,
  TrainOptionsInput,
  TrainProgress,
} from './types.js';

/**
 * Trains an encoder in the calling thread, which it keeps busy: `trainEncoder` does the same in a worker thread.
 *
 * The same source, options and backend give the same bytes. Throws NO_PAIRS, BAD_INPUT, CANCELLED.
 */
export async function trainInThisThread(
  source: SourceSet,
  input: TrainOptionsInput = {},
  hooks: TrainHooks = {},
): Promise<TrainedEncoder> {
  const { onProgress, signal } = hooks;
  const options = resolveTrainOptions(input);
  checkSource(source);
  const { backend } = await loadTensorBackend();
  const identity = { options, source: digestSource(source), backend };
  const resumed = hooks.resumeFrom ? decodeCheckpoint(hooks.resumeFrom) : null;
  if (resumed) checkResumable(resumed, identity);

  const started = performance.now();
  const seconds = () => (resumed?.seconds ?? 0) + (performance.now() - started) / 1000;
  const members: TrainedMember[] = [...(resumed?.finished ?? [])];
  const history: EpochRecord[] = [...(resumed?.history ?? [])];
  const run: Run = {
    options,
    history,
    report: (progress) => onProgress?.(progress),
    /** Lets messages in, among them a cancellation. */
    breathe: async () => {
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) throw new CommonspaceError('CANCELLED', 'the training was cancelled');
    },
    checkpointEvery: hooks.onCheckpoint
      ? (hooks.checkpointEvery ?? CHECKPOINT_EVERY)
      : Number.POSITIVE_INFINITY,
    checkpoint: async (current) => {
      const checkpoint: Checkpoint = { ...identity, finished: members, current, history, seconds: seconds() };
      await hooks.onCheckpoint?.(encodeCheckpoint(checkpoint));
    },
  };

  await run.breathe();
  run.report({ kind: 'prepare', message: 'principal components' });
  const prepared = prepareSource(source, options);
  await run.breathe();

  let state = resumed?.current ?? null;
  for (let member = members.length; member < options.members; member += 1) {
    // The first holds pairs out, and so finds out how long to train; the others learn from all of them for as long.
    const epochs = members[0]?.epochs ?? options.epochs;
    members.push(await trainMember(prepared, member, epochs, state, run));
    state = null;
    if (hooks.onCheckpoint) await run.checkpoint(null);
  }
  const parameters = assemble(prepared, members, options);

  const { bestEpoch = 0, validation = null } = members[0] ?? {};
  const { notes, classEmbeddingKind } = prepared;
  // Options are plain values, which is what JSON holds.
  const about = { options, notes, classEmbeddingKind, bestEpoch, validation } as unknown as JsonValue;
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

interface Run {
  readonly options: TrainOptions;
  readonly history: EpochRecord[];
  readonly report: (progress: TrainProgress) => void;
  readonly breathe: () => Promise<void>;
  readonly checkpointEvery: number;
  readonly checkpoint: (current: MemberState | null) => Promise<void>;
}

/** One network of the ensemble, from its start or from where it was. */
async function trainMember(
  prepared: PreparedSource,
  member: number,
  epochs: number,
  resume: MemberState | null,
  { options, history, report, breathe, checkpointEvery, checkpoint }: Run,
): Promise<TrainedMember> {
  const share = member === 0 ? options.validation : 0;
  const split = holdOut(prepared, splitPairs(prepared.pairs.labels.length, share, options.seed));
  const width = options.memberDimension || options.dimension;
  // Fitted without the held-out pairs, or they would not show when the network starts to forget it.
  const skip = options.ccaSkip ? paddedSkip(fitCca(split.training, options), width, options) : null;
  const training = createMemberTraining(split, options, width, member, epochs, skip, resume);
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
      await breathe();
    }
    return {
      branches: training.branches(),
      epochs: training.epoch,
      bestEpoch: training.bestEpoch,
      validation: training.bestValidation,
    };
  } finally {
    training.dispose();
  }
}

/** Weights that are not numbers would be found out when the encoder is loaded, after all the rest of the training. */
function checkFinite({ epoch, losses }: Pick<EpochRecord, 'epoch' | 'losses'>): void {
  const [name] = Object.entries(losses).find(([, loss]) => !Number.isFinite(loss)) ?? [];
  if (name === undefined) return;
  throw new CommonspaceError(
    'BAD_INPUT',
    `the training diverged: in epoch ${epoch} the term ${name} is not a number; lower the learning rate or the weights`,
    ['learningRate'],
  );
}

/** The members, and the CCA branch where there is one, side by side; narrowed where they are too wide together. */
function assemble(
  { normalisation, pairs }: PreparedSource,
  members: readonly TrainedMember[],
  options: TrainOptions,
): EncoderParameters {
  const branches = {
    IMAGE: members.map((member) => member.branches.IMAGE),
    TEXT: members.map((member) => member.branches.TEXT),
  };
  const networks = ccaWidth(options) > 0 ? 1 - options.ccaShare : 1;
  const branchWeights = members.map(() => networks / members.length);
  if (ccaWidth(options) > 0) {
    const linear = skipStart(fitCca(pairs, options), ccaWidth(options), options.ccaPower);
    branches.IMAGE.push({ layers: [], skip: linear.IMAGE });
    branches.TEXT.push({ layers: [], skip: linear.TEXT });
    branchWeights.push(options.ccaShare);
  }
  const parameters: EncoderParameters = {
    branchWeights,
    projection: null,
    sides: {
      IMAGE: { normalisation: normalisation.IMAGE, branches: branches.IMAGE },
      TEXT: { normalisation: normalisation.TEXT, branches: branches.TEXT },
    },
  };
  return embeddingWidth(parameters) > options.dimension
    ? { ...parameters, projection: embeddingProjection(parameters, pairs, options.dimension) }
    : parameters;
}

function fitCca({ image, text }: PreparedPairs, { ccaRegularisation }: TrainOptions): Cca {
  return solveCca(ccaStatistics(image, text), ccaRegularisation);
}

/** At most as wide as there are canonical variates. */
function skipStart(cca: Cca, width: number, power: number): SkipStart {
  return {
    IMAGE: ccaLayer(cca.image, cca.correlations, width, power),
    TEXT: ccaLayer(cca.text, cca.correlations, width, power),
  };
}

/** As wide as the code: where there are fewer canonical variates, the other columns start at 0. */
function paddedSkip(cca: Cca, width: number, { ccaPower }: TrainOptions): SkipStart {
  const { IMAGE, TEXT } = skipStart(cca, width, ccaPower);
  const pad = (layer: SkipStart[Modality]): SkipStart[Modality] => {
    const { rows, columns, data } = layer.weights;
    if (columns === width) return layer;
    const wider = new Float32Array(rows * width);
    for (let i = 0; i < rows; i += 1) wider.set(data.subarray(i * columns, (i + 1) * columns), i * width);
    return { ...layer, weights: { data: wider, rows, columns: width }, bias: new Float32Array(width) };
  };
  return { IMAGE: pad(IMAGE), TEXT: pad(TEXT) };
}
