/** The texts of pairs as an epoch has them on average: captions with weight 1, further texts with their shares. */
import { type Matrix, rowOf } from '../math/matrix.js';
import { kindsOf, type PreparedTexts, type TextShares } from './further-texts.js';

export interface TextMoments {
  /** [pairs, components]: the weighted mean of each pair's texts. */
  readonly means: Matrix;
  /** [pairs + M, components]: all texts, scaled so that their covariance is the weighted covariance of the texts. */
  readonly scaled: Matrix;
}

/** Moments for CCA. Without them, each image would be copied once for every text of its pair. */
export function textMoments(captions: Matrix, further: PreparedTexts, shares: TextShares): TextMoments {
  const { rows: pairs, columns } = captions;
  const weights = textWeights(pairs, further, shares);
  const scaled = new Float32Array((pairs + further.text.rows) * columns);
  weights.forEach((weight, row) => {
    const text = row < pairs ? rowOf(captions, row) : rowOf(further.text, row - pairs);
    // The weights sum to the number of pairs, and `covariance` divides by the number of rows.
    const scale = Math.sqrt((weight * weights.length) / pairs);
    scaled.set(
      text.map((x) => scale * x),
      row * columns,
    );
  });
  return {
    means: textMeans(captions, 0, further, shares),
    scaled: { data: scaled, rows: weights.length, columns },
  };
}

/** [pairs + M]: the weight of each caption, then of each further text. They sum to the number of pairs. */
export function textWeights(pairs: number, further: PreparedTexts, shares: TextShares): Float64Array {
  const weights = new Float64Array(pairs + further.text.rows);
  for (let pair = 0; pair < pairs; pair += 1) {
    const { caption, others } = textsOfPair(pair, further, shares);
    weights[pair] = caption;
    for (const { own, weight } of others)
      for (const row of own) weights[pairs + row] = (weights[pairs + row] as number) + weight;
  }
  return weights;
}

/**
 * The weighted mean of each pair's texts: [pairs, components] → [pairs, components].
 *
 * @param captions of successive pairs
 * @param first index of the first of these pairs
 */
export function textMeans(
  captions: Matrix,
  first: number,
  further: PreparedTexts,
  shares: TextShares,
): Matrix {
  const { rows, columns } = captions;
  const means = new Float32Array(rows * columns);
  const add = (row: number, text: Float32Array, weight: number) => {
    for (let j = 0; j < columns; j += 1)
      means[row * columns + j] = (means[row * columns + j] as number) + weight * (text[j] as number);
  };
  for (let row = 0; row < rows; row += 1) {
    const { caption, others } = textsOfPair(first + row, further, shares);
    add(row, rowOf(captions, row), caption);
    for (const { own, weight } of others) for (const text of own) add(row, rowOf(further.text, text), weight);
  }
  return { data: means, rows, columns };
}

/** The weight of a pair's caption, and of each of its further texts by kind. They sum to 1. */
function textsOfPair(pair: number, further: PreparedTexts, shares: TextShares) {
  const kinds = kindsOf(further, shares).map(({ lists, share }) => ({ own: lists[pair] ?? [], share }));
  const present = kinds.filter(({ own, share }) => own.length > 0 && share > 0);
  const total = present.reduce((sum, { share }) => sum + share, 1);
  return {
    caption: 1 / total,
    others: present.map(({ own, share }) => ({ own, weight: share / own.length / total })),
  };
}
