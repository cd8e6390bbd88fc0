/** Chooses the strength of a residual of texts, 0 to 1, on held-out pairs and held-out classes. */
import type { Matrix } from '../math/matrix.js';
import { createRandom, shuffle } from '../math/random.js';
import type { TrainOptions } from '../types.js';
import { bestOnBoth, type HeldOutTrial, meanFigure } from './choose-on-both.js';
import { addResidual, scaleResidual, trainTextResidual } from './text-residual.js';
import { type HeldPairs, holdOut, type PreparedPairs, splitPairs } from './training-data.js';
import { validationFigure } from './validation-figure.js';

/** 0 leaves the encoder as it is. */
const STRENGTHS = [0, 0.25, 0.5, 0.75, 1] as const;
/** Splits of the pairs, and of the classes. Each trains one residual. */
const SPLITS = 2;
/** Share of the pairs, or of the classes, that a split holds out. */
const HELD_OUT = { pairs: 0.25, classes: 0.34 } as const;
/** Two classes are held out at least, and two are left. */
const LEAST_CLASSES = 4;

export interface ResidualChoice {
  readonly strength: number;
  readonly trials: readonly (HeldOutTrial & { readonly strength: number })[];
  /** Mean figure of the strength chosen; null where nothing could be held out. */
  readonly figure: number | null;
  readonly note: string;
}

/** @param pairs in memory */
export async function chooseResidualStrength(
  pairs: HeldPairs,
  options: TrainOptions,
  onStep: (share: number) => Promise<void>,
): Promise<ResidualChoice> {
  const splits = (holds: (seed: number) => Split | null) =>
    Array.from({ length: SPLITS }, (_, i) => holds(options.seed + i)).filter((split) => split !== null);
  const ofPairs = splits((seed) => splitOfPairs(pairs, seed));
  if (ofPairs.length === 0) {
    const note = 'There are too few pairs to hold some out: the text side is left as it is.';
    return { strength: 0, trials: [], figure: null, note };
  }
  const ofClasses = splits((seed) => splitOfClasses(pairs, seed));
  const all = ofPairs.length + ofClasses.length;
  const progress = (before: number) => (share: number) => onStep((before + share) / all);
  const byPairs = await figuresOf(ofPairs, options, progress, 0);
  const byClasses =
    ofClasses.length > 0 ? await figuresOf(ofClasses, options, progress, ofPairs.length) : null;
  const trials = STRENGTHS.map((strength, i) => ({
    strength,
    pairs: byPairs[i] as number,
    classes: byClasses?.[i] ?? null,
  }));
  const [asItIs, ...others] = trials as [(typeof trials)[number], ...(typeof trials)[number][]];
  const rows = [...ofPairs, ...ofClasses].reduce((sum, split) => sum + split.validation.labels.length, 0);
  const best = bestOnBoth(asItIs, others, rows);
  const [before, after] = [meanFigure(asItIs), meanFigure(best)];
  const note =
    best === asItIs
      ? `A residual does not improve the text side (${before.toFixed(3)} on held-out rows), so it is left as it is.`
      : `The text side is learnt as a residual of strength ${best.strength}, chosen on held-out rows (${before.toFixed(3)} without it, ${after.toFixed(3)} with it).`;
  return { strength: best.strength, trials, figure: after, note };
}

interface Split {
  readonly training: PreparedPairs;
  readonly validation: HeldPairs;
}

function splitOfPairs(pairs: HeldPairs, seed: number): Split | null {
  return splitBy(pairs, splitPairs(pairs.groups, HELD_OUT.pairs, seed));
}

function splitOfClasses(pairs: HeldPairs, seed: number): Split | null {
  const present = [...new Set(pairs.labels)].filter((label) => label >= 0).sort((a, b) => a - b);
  if (present.length < LEAST_CLASSES) return null;
  const order = shuffle(Int32Array.from(present), createRandom(seed, 410));
  const held = new Set(order.subarray(0, Math.max(2, Math.round(present.length * HELD_OUT.classes))));
  const rows = Int32Array.from(pairs.labels.keys());
  const isHeld = (row: number) => held.has(pairs.labels[row] as number);
  return splitBy(pairs, {
    training: rows.filter((row) => !isHeld(row)),
    validation: rows.filter(isHeld),
  });
}

function splitBy(
  pairs: HeldPairs,
  rows: { readonly training: Int32Array; readonly validation: Int32Array },
): Split | null {
  const { training, validation } = holdOut({ pairs, classes: 0, classEmbeddings: null }, rows);
  return validation && { training, validation };
}

/** The mean figure of each of STRENGTHS over the splits. */
async function figuresOf(
  splits: readonly Split[],
  options: TrainOptions,
  progress: (before: number) => (share: number) => Promise<void>,
  before: number,
): Promise<number[]> {
  const sums = STRENGTHS.map(() => 0);
  for (const [s, { training, validation }] of splits.entries()) {
    const residual = await trainTextResidual(training, options, progress(before + s));
    STRENGTHS.forEach((strength, i) => {
      const text =
        strength === 0 ? validation.text : addResidual(validation.text, scaleResidual(residual, strength));
      sums[i] = (sums[i] as number) + figureOf(validation, text);
    });
  }
  return sums.map((sum) => sum / splits.length);
}

function figureOf(held: HeldPairs, text: Matrix): number {
  return validationFigure(held, held.image.data, text.data, text.columns);
}
