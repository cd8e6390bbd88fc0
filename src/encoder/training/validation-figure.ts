/**
 * The figure that early stopping and tuning maximise: MAP@all by class, or MRR@10 of the counterpart where no pair has a class;
 * the mean of both directions. Pairs of one group are counterparts of each other. docs/evaluation.md defines both metrics, and
 * src/domain/metrics.ts computes them with all others; here are these two alone, because tuning computes them thousands of times.
 */
import { createOrder } from '../../domain/metrics-ranking.js';
import { tf } from '../../platform/tfjs.js';
import { toTensor } from '../network/tensors.js';
import type { PreparedPairs } from './training-data.js';

type Relevance = Pick<PreparedPairs, 'labels' | 'groups'>;

/**
 * @param image [pairs, columns], row-major: unit embeddings of the pairs' images
 * @param text the same of their texts
 */
export function validationFigure(
  relevance: Relevance,
  image: Float32Array,
  text: Float32Array,
  columns: number,
): number {
  return figureOfSimilarities(relevance, innerProducts(image, text, columns));
}

/** [n, columns] and [m, columns] → [n, m]. */
export function innerProducts(image: Float32Array, text: Float32Array, columns: number): Float32Array {
  return tf.tidy(() => {
    const [a, b] = [image, text].map((data) => toTensor({ data, rows: data.length / columns, columns }));
    return tf.matMul(a as tf.Tensor2D, b as tf.Tensor2D, false, true).dataSync() as Float32Array;
  });
}

/**
 * The figure from the cosine of each image and each text.
 *
 * @param similarities [pairs, pairs]: rows are images; −1 to 1
 */
export function figureOfSimilarities({ labels, groups }: Relevance, similarities: Float32Array): number {
  const n = labels.length;
  const sizes = new Map<number, number>();
  for (const label of labels) if (label >= 0) sizes.set(label, (sizes.get(label) ?? 0) + 1);
  const scoreOf =
    sizes.size > 0
      ? (query: number, ranking: Int32Array) =>
          averagePrecision(labels[query] as number, ranking, labels, sizes)
      : (query: number, ranking: Int32Array) => reciprocalRank(groups[query] as number, ranking, groups);
  const directions = [
    { ofQuery: n, ofItem: 1 },
    { ofQuery: 1, ofItem: n },
  ];
  const order = createOrder(Int32Array.from({ length: n }, (_, i) => i));
  const means = directions.map(({ ofQuery, ofItem }) => {
    let sum = 0;
    let counted = 0;
    for (let query = 0; query < n; query += 1) {
      if (sizes.size > 0 && (labels[query] as number) < 0) continue;
      const start = query * ofQuery;
      sum += scoreOf(
        query,
        order((item) => similarities[start + item * ofItem] as number),
      );
      counted += 1;
    }
    return sum / counted;
  });
  return ((means[0] as number) + (means[1] as number)) / 2;
}

function averagePrecision(
  label: number,
  ranking: Int32Array,
  labels: Int32Array,
  sizes: ReadonlyMap<number, number>,
): number {
  const relevant = sizes.get(label) ?? 0;
  let hits = 0;
  let sum = 0;
  for (let rank = 1; hits < relevant; rank += 1) {
    if (labels[ranking[rank - 1] as number] !== label) continue;
    hits += 1;
    sum += hits / rank;
  }
  return sum / relevant;
}

function reciprocalRank(group: number, ranking: Int32Array, groups: Int32Array): number {
  const index = ranking.findIndex((item) => groups[item] === group);
  return index >= 0 && index < 10 ? 1 / (index + 1) : 0;
}
