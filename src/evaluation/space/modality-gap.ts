/**
 * The distance of the modalities from each other (Liang, Zhang, Kwon, Yeung, Zou: Mind the Gap, NeurIPS 2022), and how well a
 * linear rule separates them.
 */
import { CholeskyDecomposition, Matrix as MlMatrix } from 'ml-matrix';
import type { RetrievalSide } from '../../domain/metrics.js';
import { type Matrix, rowOf } from '../../encoder/math/matrix.js';
import { createRandom, shuffle } from '../../encoder/math/random.js';
import type { ModalityGap } from './space-details.js';

const FOLDS = 5;
/** Fewer embeddings of a modality are too few for a rule. */
const FEWEST = 2 * FOLDS;
/** The most embeddings of a modality to fit the rule on. */
const MOST = 2000;
/** Added to the covariance's diagonal, as a share of its mean, so that a direction without variance has no weight. */
const SHRINKAGE = 0.01;

export function modalityGap(image: RetrievalSide, text: RetrievalSide, seed: number): ModalityGap {
  const imageMean = centroid(image.embeddings, allRows(image));
  const textMean = centroid(text.embeddings, allRows(text));
  return {
    centroidDistance: imageMean && textMean && length(imageMean.map((x, j) => x - (textMean[j] as number))),
    imageConcentration: imageMean && length(imageMean),
    textConcentration: textMean && length(textMean),
    linearAccuracy: linearAccuracy(image, text, seed),
  };
}

/**
 * Five-fold cross-validation of Fisher's linear discriminant between the modalities; the rows of a pair are in one fold. The mean of
 * both modalities' shares, so that it does not depend on their numbers of items.
 */
function linearAccuracy(image: RetrievalSide, text: RetrievalSide, seed: number): number | null {
  if (image.embeddings.rows < FEWEST || text.embeddings.rows < FEWEST) return null;
  const folds = assignFolds([image, text], seed);
  let sum = 0;
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const [images, texts] = [image, text].map((side, s) => {
      const rows = sample(side, seed);
      const inFold = (row: number) => folds[s]?.[row] === fold;
      return { fit: rows.filter((row) => !inFold(row)), held: rows.filter(inFold) };
    }) as [Halves, Halves];
    if ([images, texts].some(({ fit, held }) => fit.length === 0 || held.length === 0)) return null;
    const rule = fisherRule(image.embeddings, images.fit, text.embeddings, texts.fit);
    const share = (embeddings: Matrix, rows: Int32Array, isImage: boolean) =>
      rows.filter((row) => rule(rowOf(embeddings, row)) > 0 === isImage).length / rows.length;
    sum += (share(image.embeddings, images.held, true) + share(text.embeddings, texts.held, false)) / 2;
  }
  return sum / FOLDS;
}

interface Halves {
  readonly fit: Int32Array;
  readonly held: Int32Array;
}

/** Positive on the first side. */
function fisherRule(
  a: Matrix,
  aRows: Int32Array,
  b: Matrix,
  bRows: Int32Array,
): (embedding: Float32Array) => number {
  const d = a.columns;
  const aMean = centroid(a, aRows) as Float64Array;
  const bMean = centroid(b, bRows) as Float64Array;
  const scatter = new Float64Array(d * d);
  addScatter(scatter, a, aRows, aMean);
  addScatter(scatter, b, bRows, bMean);
  let trace = 0;
  for (let j = 0; j < d; j += 1) trace += scatter[j * d + j] as number;
  const ridge = (SHRINKAGE * trace) / d || 1;
  const within = new MlMatrix(d, d);
  for (let i = 0; i < d; i += 1) {
    for (let j = 0; j < d; j += 1)
      within.set(i, j, (scatter[i >= j ? i * d + j : j * d + i] as number) + (i === j ? ridge : 0));
  }
  const difference = MlMatrix.columnVector(Array.from(aMean, (x, j) => x - (bMean[j] as number)));
  const direction = new CholeskyDecomposition(within).solve(difference).to1DArray();
  const middle = direction.reduce(
    (sum, w, j) => sum + (w * ((aMean[j] as number) + (bMean[j] as number))) / 2,
    0,
  );
  return (embedding) => direction.reduce((sum, w, j) => sum + w * (embedding[j] as number), -middle);
}

/** Adds (x − mean)(x − mean)ᵀ of the rows to the lower triangle. */
function addScatter(scatter: Float64Array, side: Matrix, rows: Int32Array, mean: Float64Array): void {
  const d = side.columns;
  for (const row of rows) {
    const x = rowOf(side, row);
    for (let i = 0; i < d; i += 1) {
      const xi = (x[i] as number) - (mean[i] as number);
      for (let j = 0; j <= i; j += 1) {
        scatter[i * d + j] = (scatter[i * d + j] as number) + xi * ((x[j] as number) - (mean[j] as number));
      }
    }
  }
}

/** The fold of each row of each side; rows of one pair have the same fold. */
function assignFolds(sides: readonly RetrievalSide[], seed: number): readonly Int32Array[] {
  const keys = sides.map((side, s) =>
    // A row without a pair is a group of its own.
    Array.from(side.pairs, (pair, row) => (pair >= 0 ? pair : -(1 + row * sides.length + s))),
  );
  const groups = [...new Set(keys.flat())];
  const order = shuffle(
    Int32Array.from(groups, (_, i) => i),
    createRandom(seed, 302),
  );
  const foldOf = new Map(Array.from(order, (group, index) => [groups[group] as number, index % FOLDS]));
  return keys.map((of) => Int32Array.from(of, (key) => foldOf.get(key) as number));
}

function sample(side: RetrievalSide, seed: number): Int32Array {
  const rows = allRows(side);
  return rows.length <= MOST ? rows : shuffle(rows, createRandom(seed, 303)).subarray(0, MOST);
}

function allRows(side: RetrievalSide): Int32Array {
  return Int32Array.from({ length: side.embeddings.rows }, (_, i) => i);
}

function centroid(side: Matrix, rows: Int32Array): Float64Array | null {
  if (rows.length === 0) return null;
  const sum = new Float64Array(side.columns);
  for (const row of rows)
    rowOf(side, row).forEach((x, j) => {
      sum[j] = (sum[j] as number) + x;
    });
  return sum.map((x) => x / rows.length);
}

function length(vector: Float64Array): number {
  return Math.hypot(...vector);
}
