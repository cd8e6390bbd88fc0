/** Chooses the options of CCA on held-out rows: for the CCA baseline, and for the CCA part of an encoder, in the same way. */
import { tf } from '../../platform/tfjs.js';
import { type Cca, solveCca } from '../math/cca.js';
import type { Matrix } from '../math/matrix.js';
import { createRandom, sampleRows } from '../math/random.js';
import { intoMatrix, toTensor } from '../network/tensors.js';
import type { TrainOptions, Tuning } from '../types.js';
import { ccaLayer } from './cca-branch.js';
import { statisticsOf } from './cca-statistics.js';
import { splitClasses } from './class-split.js';
import { atMost, FITTED_ROWS } from './scale.js';
import {
  type HeldPairs,
  holdOut,
  type PreparedPairs,
  type PreparedSource,
  splitPairs,
} from './training-data.js';
import { validationFigure } from './validation-figure.js';

export interface CcaChoice {
  /** Number of canonical variates. */
  readonly k: number;
  /** See `solveCca`. */
  readonly regularisation: number;
  /** Each variate is weighted by its correlation to this power; 0 is plain CCA. */
  readonly power: number;
  /** How much of its norm an embedding keeps, 0 to 1; see `KeptNorms`. */
  readonly length: number;
}

const REGULARISATIONS = [0.03, 0.1, 0.3, 1, 3, 10] as const;
const POWERS = [0, 1, 1.5, 2] as const;
const LENGTHS = [0, 0.5, 1] as const;
const WIDTHS = [5, 10, 20, 32, 48, 64, 128, 256] as const;
/** Upper limit of the rows that a choice is measured on: rankings take time quadratic in them. */
const MOST_MEASURED = 500;
/** Share of the pairs, or of the classes, that a split holds out. */
const HELD_OUT = { pairs: 0.2, classes: 0.4 } as const;

/**
 * Regularisation and power are chosen first, then the kept norm, then the number of variates, each by the mean figure over the
 * splits: one of pairs, or five of classes. Covariances are computed once a split.
 *
 * @param by what is held out: pairs, or whole classes, for retrieval of unseen classes
 * @param most upper limit of the number of variates
 * @returns the figure is MAP@all (MRR@10 where no pair has a class); null where nothing can be held out
 */
export async function chooseCca(
  prepared: PreparedSource,
  by: Exclude<Tuning, 'none'>,
  most: number,
  options: TrainOptions,
  yieldToEventLoop: () => Promise<void> = async () => {},
): Promise<{ readonly choice: CcaChoice; readonly validation: number | null }> {
  const { pairs } = prepared;
  const splits =
    by === 'classes'
      ? splitClasses(pairs, HELD_OUT.classes, options.seed)
      : [splitPairs(pairs.groups, HELD_OUT.pairs, options.seed)];
  const folds: Fold[] = [];
  for (const { training, validation: held } of splits) {
    const validation = sampleRows(held, MOST_MEASURED, createRandom(options.seed, 3));
    const split = holdOut(prepared, { training: atMost(training, FITTED_ROWS), validation });
    if (split.validation !== null) folds.push(createFold(split.training, split.validation, options));
    await yieldToEventLoop();
  }
  const all = Math.min(pairs.image.columns, pairs.text.columns, most);
  let choice: CcaChoice = { k: all, regularisation: 1, power: 1, length: 0 };
  if (folds.length === 0) return { choice, validation: null };
  let highest = -1;
  const consider = async (candidates: readonly CcaChoice[]) => {
    for (const candidate of candidates) {
      const figure = folds.reduce((sum, fold) => sum + fold(candidate) / folds.length, 0);
      if (figure > highest) [choice, highest] = [candidate, figure];
      await yieldToEventLoop();
    }
  };
  const first = { ...choice, length: 0.5 };
  await consider(
    REGULARISATIONS.flatMap((regularisation) => POWERS.map((power) => ({ ...first, regularisation, power }))),
  );
  await consider(LENGTHS.map((length) => ({ ...choice, length })));
  await consider(WIDTHS.filter((k) => k < all).map((k) => ({ ...choice, k })));
  return { choice, validation: highest };
}

/** The figure of a choice on the held-out rows of one split. */
type Fold = (choice: CcaChoice) => number;

function createFold(training: PreparedPairs, validation: HeldPairs, options: TrainOptions): Fold {
  const statistics = statisticsOf(training, options);
  const known = new Map<number, ReturnType<typeof variatesOf>>();
  return ({ k, regularisation, power, length }) => {
    const variates =
      known.get(regularisation) ?? variatesOf(validation, solveCca(statistics, regularisation));
    known.set(regularisation, variates);
    const weights = variates.correlations.subarray(0, k).map((correlation) => correlation ** power);
    const [image, text] = [variates.image, variates.text].map((rows) => scaledRows(rows, weights, length));
    return validationFigure(validation, image as Float32Array, text as Float32Array, weights.length);
  };
}

/** All canonical variates of the rows: [n, p] · [p, k] → [n, k]. */
function variatesOf({ image, text }: HeldPairs, cca: Cca) {
  const { correlations } = cca;
  const project = (rows: Matrix, weights: Cca['image']) => {
    const layer = ccaLayer(weights, correlations, correlations.length, 0);
    return intoMatrix(tf.tidy(() => tf.matMul<tf.Tensor2D>(toTensor(rows), toTensor(layer.weights))));
  };
  return { correlations, image: project(image, cca.image), text: project(text, cca.text) };
}

/**
 * The weighted first columns of each row x as x · |x|^(length − 1), all scaled so that the longest has norm 1: their inner
 * products rank as the cosines of an encoder with these norms do.
 */
function scaledRows({ data, rows, columns }: Matrix, weights: Float64Array, length: number): Float32Array {
  const k = weights.length;
  const out = new Float32Array(rows * k);
  let longest = 0;
  for (let row = 0; row < rows; row += 1) {
    let squares = 0;
    for (let j = 0; j < k; j += 1) {
      const x = (data[row * columns + j] as number) * (weights[j] as number);
      out[row * k + j] = x;
      squares += x * x;
    }
    const norm = Math.sqrt(squares);
    const scale = norm > 0 ? norm ** (length - 1) : 0;
    for (let j = 0; j < k; j += 1) out[row * k + j] = (out[row * k + j] as number) * scale;
    longest = Math.max(longest, norm * scale);
  }
  return longest > 0 ? out.map((x) => x / longest) : out;
}
