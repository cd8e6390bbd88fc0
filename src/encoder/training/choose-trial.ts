/** Which of the combinations that tuning has measured is taken. */
import type { Tuning } from '../types.js';
import { type Choice, isPure, sharesOf } from './tune-candidates.js';

export interface Trial {
  /** The options that this combination changes. */
  readonly choice: Choice;
  /** MAP@all (MRR@10 where no pair has a class), mean of both directions and of the folds. */
  readonly figure: number;
}

/**
 * Smaller differences between figures under `classes` are noise: the folds hold out few classes each. A mixture has to gain this over the best
 * part alone.
 */
const LEAST_GAIN = 0.005;

/** A mixture that leaves the best part this share is near it. */
const NEAR = 0.8;

/**
 * Under `pairs` the best trial. Under `classes` the best one if it is a part alone or gains `LEAST_GAIN` over the best part alone; else the best of the mixtures
 * near that part, with the same norms, that is not worse by `LEAST_GAIN`. Such a mixture retrieves unseen classes as well as the folds can tell, and it
 * keeps what the other parts know of the training classes.
 */
export function chooseTrial(trials: readonly Trial[], tune: Tuning): Trial {
  const top = best(trials);
  const pure = trials.filter(({ choice }) => isPure(choice));
  if (tune !== 'classes' || pure.length === 0) return top;
  const alone = best(pure);
  if (top.figure >= alone.figure + LEAST_GAIN) return top;
  const shares = sharesOf(alone.choice);
  const part = shares.indexOf(Math.max(...shares));
  const near = trials.filter(
    ({ choice, figure }) =>
      !isPure(choice) &&
      (sharesOf(choice)[part] ?? 0) >= NEAR - 1e-9 &&
      choice.codeLength === alone.choice.codeLength &&
      choice.posteriorLength === alone.choice.posteriorLength &&
      figure > alone.figure - LEAST_GAIN,
  );
  return near.length === 0 ? alone : best(near);
}

/** The first of those with the highest figure. */
export function best(trials: readonly Trial[]): Trial {
  return trials.reduce((a, b) => (b.figure > a.figure ? b : a));
}
