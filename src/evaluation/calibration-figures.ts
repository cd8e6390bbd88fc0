/** How well the scores of results are probabilities, and what a threshold on them keeps. */

export interface ScoredResult {
  /** 0 to 1. */
  readonly score: number;
  readonly right: boolean;
}

export interface CalibrationFigures {
  readonly results: number;
  /** Mean score, and the share of right results; null without results. */
  readonly meanScore: number | null;
  readonly shareRight: number | null;
  /** Expected calibration error: Σ n_b / n · |mean score of bin b − share right in bin b|. */
  readonly ece: number | null;
}

const BINS = 10;

/** Of the first result of each query, in 10 bins of equal width. */
export function calibrationFigures(results: readonly ScoredResult[]): CalibrationFigures {
  const bins = Array.from({ length: BINS }, () => ({ scores: 0, right: 0 }));
  for (const { score, right } of results) {
    const bin = bins[Math.min(BINS - 1, Math.max(0, Math.floor(score * BINS)))];
    if (bin === undefined) continue;
    bin.scores += score;
    bin.right += right ? 1 : 0;
  }
  const n = results.length;
  const total = (of: 'scores' | 'right') => bins.reduce((sum, bin) => sum + bin[of], 0);
  return {
    results: n,
    meanScore: n === 0 ? null : total('scores') / n,
    shareRight: n === 0 ? null : total('right') / n,
    ece: n === 0 ? null : bins.reduce((sum, { scores, right }) => sum + Math.abs(scores - right), 0) / n,
  };
}

export interface KeptFigures {
  readonly right: number;
  readonly wrong: number;
  /** Shares of the right and of the wrong results with at least the threshold; null without such results. */
  readonly rightKept: number | null;
  readonly wrongKept: number | null;
}

export function keptFigures(results: readonly ScoredResult[], threshold: number): KeptFigures {
  const right = results.filter((result) => result.right);
  const wrong = results.filter((result) => !result.right);
  const share = (among: readonly ScoredResult[]) =>
    among.length === 0 ? null : among.filter(({ score }) => score >= threshold).length / among.length;
  return { right: right.length, wrong: wrong.length, rightKept: share(right), wrongKept: share(wrong) };
}
