/**
 * Chooses the weight of the pre-trained space beside what is trained, on held-out rows of the training set. Its share is 1, which
 * leaves the model as it is, unless training retrieves better on held-out pairs and, where there are classes enough, no worse on
 * held-out classes.
 */
import type { Modality } from '../../domain/modality.js';
import { embeddingWidth, embedOutputs } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import type { TrainOptions } from '../types.js';
import { withAligned } from './aligned-branch.js';
import { collectBranches } from './build-encoder.js';
import { bestOnBoth, meanFigure } from './choose-on-both.js';
import { type Branches, combineParts, type Outputs, outputsOf } from './combine-parts.js';
import { trainOnRows } from './train-on-rows.js';
import type { PreparedSource } from './training-data.js';
import { type Fold, makeFolds } from './tune-folds.js';
import { validationFigure } from './validation-figure.js';

const SHARES = [1, 0.9, 0.75, 0.6, 0.4, 0.2] as const;
/** Folds of pairs, and of classes, at most. Each trains one network. */
const MOST_FOLDS = 2;

export interface AlignedChoice {
  readonly share: number;
  /** Mean figure of each share on held-out pairs and on held-out classes; empty where nothing could be held out. */
  readonly trials: readonly AlignedTrial[];
  readonly note: string;
}

interface AlignedTrial {
  readonly share: number;
  readonly pairs: number | null;
  readonly classes: number | null;
}

interface Hooks {
  readonly yieldToEventLoop: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** @param prepared with the normalisation of a shared space */
export async function chooseAlignedShare(
  prepared: PreparedSource,
  options: TrainOptions,
  hooks: Hooks,
): Promise<AlignedChoice> {
  const byPairs = await figuresOf(
    makeFolds(prepared, { ...options, tune: 'pairs' }, 1),
    prepared,
    options,
    hooks,
  );
  if (byPairs === null) {
    const note = 'There are too few pairs to hold some out for networks: none is used.';
    return { share: 1, trials: [], note };
  }
  const byClasses = await figuresOf(
    makeFolds(prepared, { ...options, tune: 'classes' }, 1),
    prepared,
    options,
    hooks,
  );
  const trials = SHARES.map((share, i) => ({
    share,
    pairs: byPairs[i] as number,
    classes: byClasses?.[i] ?? null,
  }));
  return { ...bestOf(trials), trials };
}

function bestOf(
  trials: readonly (AlignedTrial & { readonly pairs: number })[],
): Omit<AlignedChoice, 'trials'> {
  const [zeroShot, ...others] = trials;
  if (zeroShot === undefined) throw new Error('no share to choose from');
  const best = bestOnBoth(zeroShot, others, Number.POSITIVE_INFINITY);
  const figures = `${meanFigure(zeroShot).toFixed(3)} without training, ${meanFigure(best).toFixed(3)} with the share chosen`;
  const note =
    best === zeroShot
      ? `Networks do not improve on the model as it is (${meanFigure(zeroShot).toFixed(3)} on held-out rows): none is used.`
      : `Chosen on held-out rows: the model as it is has ${best.share * 100} % of the weight (${figures}).`;
  return { share: best.share, note };
}

/** The mean figure of each of SHARES over the folds; null without folds. */
async function figuresOf(
  folds: readonly Fold[],
  prepared: PreparedSource,
  options: TrainOptions,
  { yieldToEventLoop, log }: Hooks,
): Promise<number[] | null> {
  const used = folds.slice(0, MOST_FOLDS);
  if (used.length === 0) return null;
  const sums = SHARES.map(() => 0);
  for (const [f, fold] of used.entries()) {
    log(`choosing the share of the model as it is: network ${f + 1} of ${used.length}`);
    const member = await trainOnRows(prepared, fold.training, options, 0, yieldToEventLoop);
    const branches = collectBranches({ ...prepared, pairs: fold.training }, [member], options);
    const combined = combineParts(branches, { ...options, codeLength: 0, posteriorLength: 0 }, null);
    const held = outputsOf(withAlignedBranches(branches, combined), fold.validation);
    SHARES.forEach((share, i) => {
      sums[i] = (sums[i] as number) + figureOf(fold, held, withAligned(combined, share));
    });
    await yieldToEventLoop();
  }
  return sums.map((sum) => sum / used.length);
}

/** The branches with the aligned one, whose outputs do not depend on its share. */
function withAlignedBranches({ kinds }: Branches, combined: EncoderParameters): Branches {
  return { sides: withAligned(combined, 1).sides, kinds };
}

function figureOf({ validation }: Fold, held: Outputs, parameters: EncoderParameters): number {
  const width = embeddingWidth(parameters);
  const embeddings = (modality: Modality) => {
    const data = new Float32Array(held[modality].length * width);
    held[modality].forEach((row, i) => {
      data.set(embedOutputs(parameters, modality, row), i * width);
    });
    return data;
  };
  return validationFigure(validation, embeddings('IMAGE'), embeddings('TEXT'), width);
}
