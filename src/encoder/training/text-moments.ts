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
  const means = new Float32Array(pairs * columns);
  const scaled = new Float32Array((pairs + further.text.rows) * columns);
  const weights = new Float64Array(pairs + further.text.rows);
  const add = (pair: number, text: Float32Array, weight: number) => {
    for (let j = 0; j < columns; j += 1)
      means[pair * columns + j] = (means[pair * columns + j] as number) + weight * (text[j] as number);
  };
  for (let pair = 0; pair < pairs; pair += 1) {
    const kinds = kindsOf(further, shares).map(({ lists, share }) => ({ own: lists[pair] ?? [], share }));
    const present = kinds.filter(({ own, share }) => own.length > 0 && share > 0);
    const total = present.reduce((sum, { share }) => sum + share, 1);
    add(pair, rowOf(captions, pair), 1 / total);
    weights[pair] = 1 / total;
    for (const { own, share } of present) {
      const weight = share / own.length / total;
      for (const row of own) {
        add(pair, rowOf(further.text, row), weight);
        weights[pairs + row] = (weights[pairs + row] as number) + weight;
      }
    }
  }
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
    means: { data: means, rows: pairs, columns },
    scaled: { data: scaled, rows: weights.length, columns },
  };
}
