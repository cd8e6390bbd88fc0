/** A whole training in this thread: normalisation, CCA, the networks one after another, folding, saving. */
import { CommonspaceError } from '../domain/errors.js';
import type { Modality } from '../domain/modality.js';
import { loadTensorBackend } from '../platform/tensor-backend.js';
import { type Cca, ccaLayer, ccaStatistics, solveCca } from './cca.js';
import { createEncoder } from './inference.js';
import { takeRows } from './matrix.js';
import { createMemberTraining, validationFigure } from './member-training.js';
import type { SkipStart } from './network.js';
import type { Branch, EncoderParameters } from './parameters.js';
import { resolveTrainOptions } from './presets.js';
import { saveEncoder } from './serialise.js';
import { checkSource, type PreparedSource, prepareSource, splitPairs } from './training-data.js';
import type {
  JsonValue,
  SourceSet,
  TrainedEncoder,
  TrainOptions,
  TrainOptionsInput,
  TrainProgress,
} from './types.js';

export interface TrainHooks {
  readonly onProgress?: (progress: TrainProgress) => void;
  /** Stops between two epochs, with CANCELLED. */
  readonly signal?: AbortSignal;
}

/**
 * Trains an encoder in the calling thread, which it keeps busy: `trainEncoder` does the same in a worker thread.
 *
 * The same source, options and backend give the same bytes. Throws NO_PAIRS, BAD_INPUT, CANCELLED.
 */
export async function trainInThisThread(
  source: SourceSet,
  input: TrainOptionsInput = {},
  { onProgress, signal }: TrainHooks = {},
): Promise<TrainedEncoder> {
  const options = resolveTrainOptions(input);
  checkSource(source);
  await loadTensorBackend();
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const checkSignal = () => {
    if (signal?.aborted) throw new CommonspaceError('CANCELLED', 'the training was cancelled');
  };
  const say = (message: string) => onProgress?.({ kind: 'prepare', message });
  checkSignal();

  say('principal components');
  const split = splitPairs(source.labels.length, options.validation, options.seed);
  const prepared = prepareSource(source, options, split.validation);
  checkSignal();
  const first = await trainMembers(prepared, options, options.epochs, {
    say,
    onProgress,
    seconds,
    checkSignal,
  });

  let final = first;
  let used = prepared;
  if (options.refit && prepared.validation !== null) {
    say('training again on all pairs');
    used = prepareSource(source, options, null);
    final = await trainMembers(used, options, first.bestEpoch, { say, onProgress, seconds, checkSignal });
  }
  const parameters: EncoderParameters = {
    branchWeights: final.branchWeights,
    sides: {
      IMAGE: { normalisation: used.normalisation.IMAGE, branches: final.branches.IMAGE },
      TEXT: { normalisation: used.normalisation.TEXT, branches: final.branches.TEXT },
    },
  };
  const validation =
    prepared.validation === null ? null : measure(source, split.validation, parameters, options);
  const notes = prepared.notes;
  const about = { options, notes, bestEpoch: first.bestEpoch, validation } as unknown as JsonValue;
  return {
    bytes: saveEncoder(parameters, about),
    dimension: options.dimension,
    options,
    epochs: first.epochs,
    bestEpoch: first.bestEpoch,
    validation: options.refit ? first.validation : validation,
    seconds: seconds(),
    notes,
  };
}

interface Progress {
  readonly say: (message: string) => void;
  readonly onProgress: ((progress: TrainProgress) => void) | undefined;
  readonly seconds: () => number;
  readonly checkSignal: () => void;
}
interface TrainedMembers {
  readonly branchWeights: readonly number[];
  readonly branches: Readonly<Record<Modality, readonly Branch[]>>;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly validation: number | null;
}

async function trainMembers(
  prepared: PreparedSource,
  options: TrainOptions,
  epochs: number,
  { say, onProgress, seconds, checkSignal }: Progress,
): Promise<TrainedMembers> {
  const { training } = prepared;
  const needsCca = options.ccaShare > 0 || options.ccaSkip;
  if (needsCca) say('canonical correlations');
  const cca = needsCca
    ? solveCca(ccaStatistics(training.image, training.text), options.ccaRegularisation)
    : null;
  checkSignal();

  const ccaWidth = cca && options.ccaShare > 0 ? Math.min(options.ccaDimension, cca.correlations.length) : 0;
  const widths = shareOut(options.dimension - ccaWidth, options.members);
  const branches: Record<Modality, Branch[]> = { IMAGE: [], TEXT: [] };
  let bestEpoch = 0;
  let run = 0;
  let validation: number | null = null;
  for (const [member, width] of widths.entries()) {
    const skip = cca && options.ccaSkip ? skipStart(cca, width, options.ccaPower) : null;
    const training = createMemberTraining(prepared, options, width, member, epochs, skip);
    try {
      while (!training.done) {
        const before = seconds();
        const result = training.runEpoch();
        run += 1;
        const took = seconds() - before;
        const all = epochs * widths.length;
        onProgress?.({
          kind: 'epoch',
          epoch: member * epochs + result.epoch,
          epochs: all,
          losses: result.losses,
          validation: result.validation,
          best: result.best,
          pairsPerSecond: prepared.training.labels.length / took,
          secondsLeft: took * (all - member * epochs - result.epoch),
        });
        // Lets messages in, among them a cancellation.
        await new Promise((resolve) => setImmediate(resolve));
        checkSignal();
      }
      const member_ = training.branches();
      branches.IMAGE.push(member_.IMAGE);
      branches.TEXT.push(member_.TEXT);
      bestEpoch += training.bestEpoch / widths.length;
      validation = Math.max(validation ?? 0, training.bestValidation ?? 0);
    } finally {
      training.dispose();
    }
  }
  const branchWeights = widths.map(() => (1 - (ccaWidth > 0 ? options.ccaShare : 0)) / widths.length);
  if (cca && ccaWidth > 0) {
    const start = skipStart(cca, ccaWidth, options.ccaPower);
    branches.IMAGE.push({ layers: [], skip: start.IMAGE });
    branches.TEXT.push({ layers: [], skip: start.TEXT });
    branchWeights.push(options.ccaShare);
  }
  return { branchWeights, branches, epochs: run, bestEpoch: Math.max(1, Math.round(bestEpoch)), validation };
}

function skipStart(cca: Cca, width: number, power: number): SkipStart {
  return {
    IMAGE: ccaLayer(cca.image, cca.correlations, width, power),
    TEXT: ccaLayer(cca.text, cca.correlations, width, power),
  };
}

/** The figure of the whole encoder, all branches together, on the validation pairs. */
function measure(
  source: SourceSet,
  rows: Int32Array,
  parameters: EncoderParameters,
  { dimension }: TrainOptions,
): number {
  const encoder = createEncoder(parameters);
  const image = encoder.embedMany('IMAGE', takeRows(source.image, rows));
  const text = encoder.embedMany('TEXT', takeRows(source.text, rows));
  const labels = Int32Array.from(rows, (row) => source.labels[row] as number);
  return validationFigure({ image, text, labels }, image.data, text.data, dimension);
}

/** `total` in `parts` whole numbers as equal as can be. */
function shareOut(total: number, parts: number): number[] {
  return Array.from(
    { length: parts },
    (_, i) => Math.floor(((i + 1) * total) / parts) - Math.floor((i * total) / parts),
  );
}
