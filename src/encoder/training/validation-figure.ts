import { evaluateRetrieval } from '../../domain/metrics.js';
import type { PreparedPairs } from './training-data.js';

/**
 * The figure that early stopping and tuning maximise: MAP@all by class, or MRR@10 of the counterpart where no pair has a
 * class; the mean of both directions. Pairs of one group are counterparts of each other. docs/evaluation.md defines both metrics.
 *
 * @param image [pairs, columns], row-major: unit embeddings of the pairs' images
 * @param text the same of their texts
 */
export function validationFigure(
  { labels, groups }: Pick<PreparedPairs, 'labels' | 'groups'>,
  image: Float32Array,
  text: Float32Array,
  columns: number,
): number {
  const side = (data: Float32Array) => ({
    embeddings: { data, rows: labels.length, columns },
    classes: labels,
    pairs: groups,
  });
  const { mean } = evaluateRetrieval(side(image), side(text));
  return mean.map ?? mean.mrrAt10 ?? 0;
}
