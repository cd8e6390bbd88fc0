/** A choice that may only improve: on held-out pairs and on held-out classes. */

/** Mean figures of one setting. */
export interface HeldOutTrial {
  readonly pairs: number;
  /** Null where there are too few classes to hold some out. */
  readonly classes: number | null;
}

/** A smaller gain is taken for noise: at least the first, and this share of 1 / √rows. */
const LEAST_GAIN = 0.005;
const NOISE_OF_A_ROW = 0.25;

/** The mean of both figures. */
export function meanFigure({ pairs, classes }: HeldOutTrial): number {
  return classes === null ? pairs : (pairs + classes) / 2;
}

/**
 * The trial with the best mean of those that are below the first on neither figure and above its mean by more than noise; the first
 * where none is.
 *
 * @param rows held-out rows that the figures are of
 */
export function bestOnBoth<Trial extends HeldOutTrial>(
  first: Trial,
  others: readonly Trial[],
  rows: number,
): Trial {
  const leastGain = Math.max(LEAST_GAIN, NOISE_OF_A_ROW / Math.sqrt(Math.max(1, rows)));
  const better = others.filter(
    (trial) =>
      meanFigure(trial) >= meanFigure(first) + leastGain &&
      trial.pairs >= first.pairs &&
      (trial.classes ?? 0) >= (first.classes ?? 0),
  );
  return better.reduce((a, b) => (meanFigure(b) > meanFigure(a) ? b : a), first);
}
