/** The similarities of images and texts: of counterparts, of one class, and of different classes. */
import { mean } from '../../domain/metric-values.js';
import type { RetrievalSide } from '../../domain/metrics.js';
import { dot } from '../../domain/vectors.js';
import { rowOf } from '../../encoder/math/matrix.js';
import { createRandom } from '../../encoder/math/random.js';
import type { SimilarityGroup, SimilarityHistograms } from './space-details.js';

/** Bins of .02 from −1 to 1. */
const SIMILARITY_BINS = 100;
/** The most combinations of an image and a text to count; of more, this many are drawn. */
const MAX_COMBINATIONS = 1_000_000;

/** Counts all counterparts, and at most `most` of the other combinations. */
export function similarityHistograms(
  image: RetrievalSide,
  text: RetrievalSide,
  seed: number,
  most = MAX_COMBINATIONS,
): SimilarityHistograms {
  const counterpart: number[] = [];
  const sameClass: number[] = [];
  const other: number[] = [];
  const similarity = (i: number, t: number) =>
    Math.min(1, Math.max(-1, dot(rowOf(image.embeddings, i), rowOf(text.embeddings, t))));
  const add = (i: number, t: number) => {
    if (isCounterpart(image, text, i, t)) return;
    const label = image.classes[i] as number;
    (label >= 0 && label === text.classes[t] ? sameClass : other).push(similarity(i, t));
  };

  for (const [i, t] of counterparts(image, text)) counterpart.push(similarity(i, t));
  const images = image.embeddings.rows;
  const texts = text.embeddings.rows;
  const sampled = images * texts > most;
  if (sampled) {
    const random = createRandom(seed, 301);
    for (let drawn = 0; drawn < most; drawn += 1) add(random.uint32() % images, random.uint32() % texts);
  } else {
    for (let i = 0; i < images; i += 1) for (let t = 0; t < texts; t += 1) add(i, t);
  }

  return {
    edges: Array.from({ length: SIMILARITY_BINS + 1 }, (_, i) => (2 * i) / SIMILARITY_BINS - 1),
    groups: [group('counterpart', counterpart), group('same-class', sameClass), group('other', other)],
    counterpartAuc: areaUnderCurve(counterpart, [...sameClass, ...other]),
    classAuc: areaUnderCurve(sameClass, other),
    sampled,
  };
}

/** The rows of an image and a text of one pair. */
function* counterparts(image: RetrievalSide, text: RetrievalSide): Generator<readonly [number, number]> {
  const textsOf = new Map<number, number[]>();
  text.pairs.forEach((pair, row) => {
    if (pair >= 0) textsOf.set(pair, [...(textsOf.get(pair) ?? []), row]);
  });
  for (const [row, pair] of image.pairs.entries()) {
    for (const other of textsOf.get(pair) ?? []) yield [row, other];
  }
}

function isCounterpart(image: RetrievalSide, text: RetrievalSide, i: number, t: number): boolean {
  const pair = image.pairs[i] as number;
  return pair >= 0 && pair === text.pairs[t];
}

function group(kind: SimilarityGroup['kind'], values: readonly number[]): SimilarityGroup {
  const counts = new Array<number>(SIMILARITY_BINS).fill(0);
  for (const value of values) {
    const bin = Math.min(SIMILARITY_BINS - 1, Math.floor(((value + 1) / 2) * SIMILARITY_BINS));
    counts[bin] = (counts[bin] as number) + 1;
  }
  return { kind, counts, total: values.length, mean: mean(values) };
}

/** P(a > b) + P(a = b)/2 for a drawn from the first, b from the second. */
export function areaUnderCurve(positive: readonly number[], negative: readonly number[]): number | null {
  if (positive.length === 0 || negative.length === 0) return null;
  const sorted = Float64Array.from(negative).sort();
  let sum = 0;
  for (const value of positive)
    sum += (countBelow(sorted, value, false) + countBelow(sorted, value, true)) / 2;
  return sum / positive.length / negative.length;
}

/** The number of ascending values that are less than a value (or equal to it). */
function countBelow(sorted: Float64Array, value: number, orEqual: boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const x = sorted[middle] as number;
    if (x < value || (orEqual && x === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
