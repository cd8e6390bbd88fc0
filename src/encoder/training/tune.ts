/**
 * Chooses regularisation, the weights of the parts and how much of their norms they keep, on held-out rows of the training
 * set. The search is small: one network for each fold and regularisation; all combinations of weights and norms reuse its
 * outputs.
 */
import type { Modality } from '../../domain/modality.js';
import { embeddingWidth, embedOutputs } from '../inference/embed.js';
import type { TrainOptions, Tuning } from '../types.js';
import { collectBranches } from './build-encoder.js';
import { fitCca, paddedCcaLayers } from './cca-branch.js';
import { type Branches, combineParts, keepsNorm, type Outputs, outputsOf } from './combine-parts.js';
import { createMemberTraining, type TrainedMember } from './member-training.js';
import type { PreparedPairs, PreparedSource } from './training-data.js';
import { type Fold, makeFolds } from './tune-folds.js';
import { validationFigure } from './validation-figure.js';

export interface Tuned {
  readonly options: TrainOptions;
  /** All combinations compared, best first. */
  readonly trials: readonly Trial[];
  readonly notes: readonly string[];
}

interface Trial {
  /** The options that this combination changes. */
  readonly choice: Choice;
  /** MAP@all (MRR@10 where no pair has a class), mean of both directions and of the folds. */
  readonly figure: number;
}

type Choice = Partial<
  Pick<
    TrainOptions,
    | 'dropout'
    | 'inputNoise'
    | 'ccaRegularisation'
    | 'ccaPower'
    | 'ccaShare'
    | 'posteriorShare'
    | 'codeLength'
    | 'posteriorLength'
  >
>;

interface TuneHooks {
  /** Lets other work of the thread run; throws CANCELLED when the training is cancelled. */
  readonly yieldToEventLoop: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** Of the CCA branch and of the networks' linear paths. */
const LINEAR: readonly Choice[] = [0.3, 1, 3].flatMap((ccaRegularisation) =>
  [1, 1.5].map((ccaPower) => ({ ccaRegularisation, ccaPower })),
);
const NORMS: readonly Choice[] = [
  { codeLength: 0, posteriorLength: 0 },
  { codeLength: 0.5, posteriorLength: 1 },
];
/** Shares of posteriors and CCA; the networks' codes have the rest. Every combination uses the networks. */
const SHARES: readonly Choice[] = [
  { posteriorShare: 0.2, ccaShare: 0.4 },
  { posteriorShare: 0.5, ccaShare: 0.25 },
  { posteriorShare: 0.8, ccaShare: 0.1 },
  { posteriorShare: 0.95, ccaShare: 0 },
  { posteriorShare: 0.1, ccaShare: 0.6 },
  { posteriorShare: 0, ccaShare: 0.8 },
  { posteriorShare: 0, ccaShare: 0.5 },
  { posteriorShare: 0, ccaShare: 0.2 },
];
/** Regularisation of the networks: that of the preset, and a stronger one. */
const NETWORKS: readonly Choice[] = [{}, { dropout: 0.7, inputNoise: 0.5 }];

/**
 * The options with the best combination laid over them. Only rows of the training set are used. The same input and seed give
 * the same choice. Where too little can be held out, the options stay as they are and a note says so.
 */
export async function tuneOptions(
  prepared: PreparedSource,
  options: TrainOptions,
  hooks: TuneHooks,
): Promise<Tuned> {
  if (options.tune === 'none') return { options, trials: [], notes: [] };
  const folds = makeFolds(prepared, options.tune, options.seed);
  if (folds.length === 0) {
    const why = `There are too few ${options.tune} to hold some out: the options stay as the preset has them.`;
    return { options, trials: [], notes: [why] };
  }
  const linear = best(await linearTrials(prepared, folds, options, hooks)).choice;
  const trials = await networkTrials(prepared, folds, options, linear, hooks);
  trials.sort((a, b) => b.figure - a.figure);
  const { choice } = best(trials);
  return { options: { ...options, ...choice }, trials, notes: [choiceNote(choice, options.tune)] };
}

/** Each setting of the CCA branch, measured alone; its figure is that of the better setting of the norms. */
async function linearTrials(
  prepared: PreparedSource,
  folds: readonly Fold[],
  options: TrainOptions,
  { yieldToEventLoop, log }: TuneHooks,
): Promise<Trial[]> {
  log(`choosing the linear part on held-out ${options.tune}`);
  const trials: Trial[] = [];
  for (const choice of LINEAR) {
    const figures: number[][] = [];
    for (const fold of folds) {
      const base = { ...options, ...choice, posteriorShare: 0, ccaShare: 1 };
      const branches = collectBranches({ ...prepared, pairs: fold.training }, [], base);
      figures.push(NORMS.map((norms) => measure(fold, branches, [{ ...base, ...norms }])[0] ?? 0));
      await yieldToEventLoop();
    }
    trials.push({ choice, figure: Math.max(...NORMS.map((_, i) => meanAt(figures, i))) });
  }
  return trials;
}

/** Each combination of network regularisation, shares and norms, with the linear setting chosen before. */
async function networkTrials(
  prepared: PreparedSource,
  folds: readonly Fold[],
  options: TrainOptions,
  linear: Choice,
  { yieldToEventLoop, log }: TuneHooks,
): Promise<Trial[]> {
  const candidates = NORMS.flatMap((norms) => SHARES.map((shares) => ({ ...norms, ...shares })));
  const trials: Trial[] = [];
  for (const [n, network] of NETWORKS.entries()) {
    const figures: number[][] = [];
    for (const [f, fold] of folds.entries()) {
      const settings = { ...options, ...linear, ...network };
      log(
        `choosing on held-out ${options.tune}: network ${n * folds.length + f + 1} of ${NETWORKS.length * folds.length}`,
      );
      const member = await trainOne(prepared, fold.training, settings, yieldToEventLoop);
      const branches = collectBranches({ ...prepared, pairs: fold.training }, [member], {
        ...settings,
        // The CCA branch is built only if it has a share, and some candidates give it one.
        ccaShare: 0.5,
      });
      figures.push(
        measure(
          fold,
          branches,
          candidates.map((choice) => ({ ...settings, ...choice })),
        ),
      );
      await yieldToEventLoop();
    }
    candidates.forEach((choice, i) => {
      trials.push({ choice: { ...linear, ...network, ...choice }, figure: meanAt(figures, i) });
    });
  }
  return trials;
}

/** The figure of each candidate on the fold's validation rows. */
function measure(
  { training, validation }: Fold,
  branches: Branches,
  candidates: readonly TrainOptions[],
): number[] {
  const held = outputsOf(branches, validation);
  const trained = candidates.some(keepsNorm) ? outputsOf(branches, training) : null;
  return candidates.map((options) => {
    const parameters = combineParts(branches, options, trained);
    const width = embeddingWidth(parameters);
    const embeddings = (modality: Modality) => {
      const rows: Outputs[Modality] = held[modality];
      const data = new Float32Array(rows.length * width);
      rows.forEach((row, i) => {
        data.set(embedOutputs(parameters, modality, row), i * width);
      });
      return data;
    };
    return validationFigure(validation, embeddings('IMAGE'), embeddings('TEXT'), width);
  });
}

/** One network, trained on all pairs given for all epochs of the options. */
async function trainOne(
  prepared: PreparedSource,
  training: PreparedPairs,
  options: TrainOptions,
  yieldToEventLoop: () => Promise<void>,
): Promise<TrainedMember> {
  const codeWidth = options.memberDimension || options.dimension;
  const { classes, classEmbeddings } = prepared;
  const linear = options.ccaSkip ? paddedCcaLayers(fitCca(training, options), codeWidth, options) : null;
  const run = createMemberTraining({ training, validation: null, classes, classEmbeddings }, options, {
    member: 0,
    epochs: options.epochs,
    codeWidth,
    linear,
  });
  try {
    while (!run.done) {
      run.runEpoch();
      await yieldToEventLoop();
    }
    return run.result();
  } finally {
    run.dispose();
  }
}

function best(trials: readonly Trial[]): Trial {
  return trials.reduce((a, b) => (b.figure > a.figure ? b : a));
}

/** The mean of the folds' figures at one index. */
function meanAt(figures: readonly (readonly number[])[], i: number): number {
  return figures.reduce((sum, fold) => sum + (fold[i] ?? 0), 0) / Math.max(1, figures.length);
}

function choiceNote(choice: Choice, tune: Tuning): string {
  const values = Object.entries(choice).map(([name, value]) => `${name} ${value}`);
  return `Chosen on held-out ${tune}: ${values.join(', ')}.`;
}
