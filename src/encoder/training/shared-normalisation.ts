/**
 * The normalisation of features that share a space. Each modality is centred, and one projection serves both: a z-score or
 * principal components for each modality by itself would turn one against the other.
 */
import type { Modality } from '../../domain/modality.js';
import type { Normalisation } from '../inference/normalise.js';
import { gather, type Matrix, type Rows, rowOf } from '../math/matrix.js';
import { principalComponents } from './pca.js';
import { FITTED_ROWS, sampleOf } from './scale.js';

/** Width of an aligned part at most, where there are rows enough to choose the directions. */
export const ALIGNED_WIDTH = 512;
/** Rows for each number of a feature that principal directions need; with fewer rows they leave directions out. */
export const ROWS_A_NUMBER = 4;
/**
 * Rows that count as much as the assumption that the mean is 0: a mean of few rows is mostly their content. The modality with
 * fewer rows decides for both, because centring one side alone turns it against the other.
 */
const PRIOR_ROWS = 10;
/** So large that nothing is clipped. */
const NO_CLIP = 1e6;

/**
 * Fits on the features of both modalities, which have equally many numbers. Either may have no rows.
 *
 * @param image [n, d]; of many, `FITTED_ROWS` are used
 * @param text [m, d]
 */
export function fitSharedNormalisation(
  image: Rows,
  text: Rows,
  seed: number,
): Readonly<Record<Modality, Normalisation>> {
  const sides = { IMAGE: sampleOf(image, FITTED_ROWS), TEXT: sampleOf(text, FITTED_ROWS) };
  const fewer = Math.min(image.rows, text.rows);
  const known = fewer / (fewer + PRIOR_ROWS);
  const means = { IMAGE: shrunkMean(sides.IMAGE, known), TEXT: shrunkMean(sides.TEXT, known) };
  const rows = (['IMAGE', 'TEXT'] as const).flatMap((modality) => centred(sides[modality], means[modality]));
  const basis = sharedBasis(rows, image.columns, seed);
  const normalisation = (modality: Modality): Normalisation => ({
    mean: means[modality],
    inverseDeviation: new Float32Array(image.columns).fill(1),
    clip: NO_CLIP,
    basis,
    offset: new Float32Array(basis.columns),
  });
  return { IMAGE: normalisation('IMAGE'), TEXT: normalisation('TEXT') };
}

/** [d] */
function shrunkMean(matrix: Matrix, known: number): Float32Array {
  const sums = new Float64Array(matrix.columns);
  for (let row = 0; row < matrix.rows; row += 1) {
    rowOf(matrix, row).forEach((x, j) => {
      sums[j] = (sums[j] as number) + x;
    });
  }
  return Float32Array.from(sums, (sum) => (known * sum) / Math.max(1, matrix.rows));
}

function centred(matrix: Matrix, mean: Float32Array): Float32Array[] {
  return Array.from({ length: matrix.rows }, (_, row) =>
    rowOf(matrix, row).map((x, j) => x - (mean[j] as number)),
  );
}

/** [d, k], scaled so that the components have variance 1 on average, by one factor for both modalities. */
function sharedBasis(rows: readonly Float32Array[], columns: number, seed: number): Matrix {
  const reduces = columns > ALIGNED_WIDTH && rows.length >= ROWS_A_NUMBER * columns;
  const basis = reduces ? principalComponents(gather(rows), ALIGNED_WIDTH, seed).basis : identity(columns);
  let squares = 0;
  for (const row of rows) for (const x of row) squares += x * x;
  const variance = squares / Math.max(1, rows.length) / basis.columns;
  const scale = variance > 0 ? 1 / Math.sqrt(variance) : 1;
  return { ...basis, data: basis.data.map((x) => x * scale) };
}

/** [n, n] */
export function identity(n: number): Matrix {
  const data = new Float32Array(n * n);
  for (let i = 0; i < n; i += 1) data[i * n + i] = 1;
  return { data, rows: n, columns: n };
}
