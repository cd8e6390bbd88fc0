/**
 * Choosing regularisation, the parts' shares and what they keep of their lengths, on rows held out of the source set. The search
 * is small: a network or two for each fold, whose outputs every candidate is made of.
 */
import type { Modality } from '../../domain/modality.js';
import { embeddingWidth, embedOutputs } from '../inference/inference.js';
import { createRandom, shuffle } from '../math/random.js';
import type { TrainOptions, Tuning } from '../types.js';
import {
  collectBranches,
  fitCca,
  keepsLength,
  type Outputs,
  outputsOf,
  paddedSkip,
  weigh,
} from './build-encoder.js';
import type { TrainedMember } from './checkpoint.js';
import { createMemberTraining, validationFigure } from './member-training.js';
import { holdOut, type PreparedPairs, type PreparedSource } from './training-data.js';

export interface Tuned {
  readonly options: TrainOptions;
  /** What was compared, best first: what it changed of the options, and its figure, the mean over the folds. */
  readonly trials: readonly Trial[];
  readonly notes: readonly string[];
}

interface Trial {
  readonly choice: Choice;
  /** map@all (or MRR@10 where no pair has a class), mean of both directions. */
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
  /** Lets others have their turn; throws when the training is cancelled. */
  readonly breathe: () => Promise<void>;
  readonly say: (message: string) => void;
}

const FOLDS = { pairs: 2, classes: 3 } as const;
/** Share of the pairs, or of the classes, that a fold holds out. */
const HELD_OUT = { pairs: 0.2, classes: 0.4 } as const;
/** More rows than these say little more, and take longer. */
const MOST_TRAINED_ON = 4000;
const MOST_MEASURED = 600;
/** Fewer held-out pairs than this say nothing. */
const LEAST_MEASURED = 20;
/** Of held-out classes there must be two, or everything is relevant; of those learnt from as well. */
const LEAST_CLASSES = 4;

const REGULARISATIONS = [0.3, 1, 3] as const;
const POWERS = [1, 1.5] as const;
const LENGTHS: readonly Choice[] = [
  { codeLength: 0, posteriorLength: 0 },
  { codeLength: 0.5, posteriorLength: 1 },
];
/** Shares of posteriors and CCA; the networks' codes have the rest. None is without the networks. */
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
/** How hard the networks are regularised: as the preset says, or so that they learn less of the source set by heart. */
const NETWORKS: readonly Choice[] = [{}, { dropout: 0.7, inputNoise: 0.5 }];

/**
 * The options with what did best on held-out rows laid over them. Only rows of the source set take part, and the same seed
 * gives the same choice.
 */
export async function tuneOptions(
  prepared: PreparedSource,
  options: TrainOptions,
  { breathe, say }: TuneHooks,
): Promise<Tuned> {
  if (options.tune === 'none') return { options, trials: [], notes: [] };
  const folds = makeFolds(prepared, options.tune, options.seed);
  if (folds.length === 0) {
    const why = `There are too few ${options.tune} to hold some out: the options stay as the preset has them.`;
    return { options, trials: [], notes: [why] };
  }

  say(`choosing the linear part on held-out ${options.tune}`);
  const cca: Choice[] = REGULARISATIONS.flatMap((ccaRegularisation) =>
    POWERS.map((ccaPower) => ({ ccaRegularisation, ccaPower })),
  );
  const linear: Trial[] = [];
  for (const choice of cca) {
    const figures: number[][] = [];
    for (const fold of folds) {
      const base = { ...options, ...choice, posteriorShare: 0, ccaShare: 1 };
      const branches = collectBranches({ ...prepared, pairs: fold.training }, [], base);
      figures.push(LENGTHS.map((lengths) => measure(fold, branches, [{ ...base, ...lengths }])[0] ?? 0));
      await breathe();
    }
    linear.push({
      choice,
      figure: Math.max(...LENGTHS.map((_, i) => mean(figures.map((of) => of[i] ?? 0)))),
    });
  }
  const bestLinear = best(linear).choice;

  const candidates = LENGTHS.flatMap((lengths) => SHARES.map((shares) => ({ ...lengths, ...shares })));
  const trials: Trial[] = [];
  for (const [n, network] of NETWORKS.entries()) {
    const figures: number[][] = [];
    for (const [f, fold] of folds.entries()) {
      const settings = { ...options, ...bestLinear, ...network };
      say(
        `choosing on held-out ${options.tune}: network ${n * folds.length + f + 1} of ${NETWORKS.length * folds.length}`,
      );
      const member = await trainOne(prepared, fold.training, settings, breathe);
      const branches = collectBranches({ ...prepared, pairs: fold.training }, [member], {
        ...settings,
        // Whatever the preset's share: a branch is made only where it has one.
        ccaShare: 0.5,
      });
      figures.push(
        measure(
          fold,
          branches,
          candidates.map((choice) => ({ ...settings, ...choice })),
        ),
      );
      await breathe();
    }
    candidates.forEach((choice, i) => {
      const figure = mean(figures.map((of) => of[i] ?? 0));
      trials.push({ choice: { ...bestLinear, ...network, ...choice }, figure });
    });
  }
  trials.sort((a, b) => b.figure - a.figure);
  const { choice } = best(trials);
  return { options: { ...options, ...choice }, trials, notes: [choiceNote(choice, options.tune)] };
}

interface Fold {
  readonly training: PreparedPairs;
  readonly validation: PreparedPairs;
}

/** None where too little could be held out. */
function makeFolds(prepared: PreparedSource, tune: Exclude<Tuning, 'none'>, seed: number): Fold[] {
  const { labels } = prepared.pairs;
  const take = (rows: readonly number[], most: number, fold: number): Int32Array =>
    shuffle(Int32Array.from(rows), createRandom(seed, 300 + fold))
      .slice(0, most)
      .sort();
  const folds = Array.from({ length: FOLDS[tune] }, (_, fold): Fold | null => {
    const isHeld =
      tune === 'pairs'
        ? heldPairs(labels.length, seed, fold)
        : heldClasses(labels, prepared.classes, seed, fold);
    if (isHeld === null) return null;
    const rows = Array.from(labels, (_, row) => row);
    const held = take(rows.filter(isHeld), MOST_MEASURED, fold);
    const rest = take(
      rows.filter((row) => !isHeld(row)),
      MOST_TRAINED_ON,
      fold,
    );
    if (held.length < LEAST_MEASURED || rest.length < LEAST_MEASURED) return null;
    const { training, validation } = holdOut(prepared, { training: rest, validation: held });
    return validation && { training, validation };
  });
  return folds.filter((fold) => fold !== null);
}

/** Folds do not overlap. */
function heldPairs(pairs: number, seed: number, fold: number): (row: number) => boolean {
  const order = shuffle(
    Int32Array.from({ length: pairs }, (_, i) => i),
    createRandom(seed, 200),
  );
  const count = Math.floor(pairs * HELD_OUT.pairs);
  const held = new Set(order.subarray(fold * count, (fold + 1) * count));
  return (row) => held.has(row);
}

/** Pairs without a class are neither learnt from nor measured on: they may be of a held-out class. */
function heldClasses(
  labels: Int32Array,
  classes: number,
  seed: number,
  fold: number,
): ((row: number) => boolean) | null {
  const present = [...new Set(labels)].filter((label) => label >= 0).sort((a, b) => a - b);
  if (classes === 0 || present.length < LEAST_CLASSES) return null;
  const order = shuffle(Int32Array.from(present), createRandom(seed, 210 + fold));
  const held = new Set(order.subarray(0, Math.max(2, Math.round(present.length * HELD_OUT.classes))));
  return (row) => held.has(labels[row] as number);
}

/** Each option's figure on the fold's validation rows. */
function measure(
  { training, validation }: Fold,
  branches: ReturnType<typeof collectBranches>,
  candidates: readonly TrainOptions[],
): number[] {
  const held = outputsOf(branches, validation);
  const learnt = candidates.some(keepsLength) ? outputsOf(branches, training) : null;
  return candidates.map((options) => {
    const parameters = weigh(branches, options, learnt);
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

/** One network, trained on all of these pairs for as long as the options say. */
async function trainOne(
  prepared: PreparedSource,
  training: PreparedPairs,
  options: TrainOptions,
  breathe: () => Promise<void>,
): Promise<TrainedMember> {
  const width = options.memberDimension || options.dimension;
  const { classes, classEmbeddings } = prepared;
  const skip = options.ccaSkip ? paddedSkip(fitCca(training, options), width, options) : null;
  const run = createMemberTraining(
    { training, validation: null, classes, classEmbeddings },
    options,
    width,
    0,
    options.epochs,
    skip,
  );
  try {
    while (!run.done) {
      run.runEpoch();
      await breathe();
    }
    return { branches: run.branches(), epochs: run.epoch, bestEpoch: run.bestEpoch, validation: null };
  } finally {
    run.dispose();
  }
}

function best(trials: readonly Trial[]): Trial {
  return trials.reduce((a, b) => (b.figure > a.figure ? b : a));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function choiceNote(choice: Choice, tune: Tuning): string {
  const values = Object.entries(choice).map(([name, value]) => `${name} ${value}`);
  return `Chosen on held-out ${tune}: ${values.join(', ')}.`;
}
