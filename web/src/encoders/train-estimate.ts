/** What decides how long a training takes. */
export interface TrainingWork {
  /** Pairs to train on. */
  readonly pairs: number;
  readonly preset: 'paper' | 'default';
  /** A quarter of the epochs, on top of another version. */
  readonly continued: boolean;
  /** The maximum number of epochs; null for the preset's. */
  readonly epochs: number | null;
  readonly tuned: boolean;
}

/**
 * Seconds of processor time by the number of pairs, measured with the preset `default` without tuning
 * (docs/decisions/0023-training-at-size.md).
 */
const STATED: readonly (readonly [pairs: number, seconds: number])[] = [
  [10_000, 377],
  [100_000, 829],
  [1_000_000, 1_728],
];
/** Factor of the tuning, from the same record. */
const TUNING = 1.54;
/** The networks of a preset, and one before them that finds the number of epochs. */
const NETWORKS = { default: 3, paper: 2 } as const;
const EPOCHS = { default: 50, paper: 60 } as const;
/** Reading, measuring and embedding take this long even for few pairs. */
const LEAST_SECONDS = 5;

/** Seconds of a training by the figures that the project states. */
export function statedSeconds({ pairs, preset, continued, epochs, tuned }: TrainingWork): number {
  const run = NETWORKS[preset] * (epochs ?? EPOCHS[preset] * (continued ? 0.25 : 1));
  const share = run / (NETWORKS.default * EPOCHS.default);
  return LEAST_SECONDS + secondsOfPairs(pairs) * share * (tuned && !continued ? TUNING : 1);
}

/** Seconds of a training, judged by an earlier one on the same server. */
export function secondsLike(
  work: TrainingWork,
  earlier: { readonly work: TrainingWork; readonly seconds: number },
): number {
  return earlier.seconds * (statedSeconds(work) / statedSeconds(earlier.work));
}

/** On a line between the measured sizes, both axes in logarithms; proportional below the smallest. */
function secondsOfPairs(pairs: number): number {
  const [first, ...rest] = STATED as [readonly [number, number], ...(readonly [number, number])[]];
  if (pairs <= first[0]) return (first[1] * pairs) / first[0];
  let [x, y] = first;
  let slope = 0;
  for (const [nextX, nextY] of rest) {
    slope = Math.log(nextY / y) / Math.log(nextX / x);
    if (pairs <= nextX) break;
    [x, y] = [nextX, nextY];
  }
  return y * (pairs / x) ** slope;
}
