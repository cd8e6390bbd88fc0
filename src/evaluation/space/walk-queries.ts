/** One pass over the queries of a direction: the results of each, and the mean precision over recall. */
import { createRanker, type RetrievalSide } from '../../domain/metrics.js';
import { dot } from '../../domain/vectors.js';
import { rowOf } from '../../encoder/math/matrix.js';

/** Recall levels of a curve: 0, .02 … 1. */
const RECALL_STEPS = 50;
export const RECALL_LEVELS: readonly number[] = Array.from(
  { length: RECALL_STEPS + 1 },
  (_, i) => i / RECALL_STEPS,
);

export interface QueryOutcome {
  /** Row of its side. */
  readonly query: number;
  /** Over the whole gallery; null where no item is relevant. */
  readonly averagePrecision: number | null;
  /** From 1; null where there is none. */
  readonly firstRelevantRank: number | null;
  readonly counterpartRank: number | null;
  /** The number of relevant items in the gallery. */
  readonly relevant: number;
  /** Rows of the gallery, best first, with their cosine similarity. */
  readonly top: readonly { readonly row: number; readonly similarity: number }[];
}

export interface Walk {
  readonly outcomes: readonly QueryOutcome[];
  /** [RECALL_STEPS + 1]; null where no query has a relevant item. */
  readonly precision: readonly number[] | null;
  /** The mean share of relevant items, which is the expected precision of a random order at every cut-off. */
  readonly chance: number | null;
}

/**
 * Ranks the gallery for each query, in the order of the metrics.
 *
 *
 * @param depth the number of results to keep of each query
 * @param rows the queries; by default all
 */
export function walkQueries(
  queries: RetrievalSide,
  gallery: RetrievalSide,
  depth: number,
  rows?: Int32Array,
): Walk {
  const ranker = createRanker(gallery);
  const classSizes = countBy(gallery.classes);
  const pairSizes = countBy(gallery.pairs);
  const sums = new Float64Array(RECALL_STEPS + 1);
  let counted = 0;
  let shares = 0;
  const outcomes: QueryOutcome[] = [];
  for (const query of rows ?? Int32Array.from({ length: queries.embeddings.rows }, (_, i) => i)) {
    const embedding = rowOf(queries.embeddings, query);
    const ranking = ranker(embedding);
    const label = queries.classes[query] as number;
    const pair = queries.pairs[query] as number;
    const relevant = label < 0 ? 0 : (classSizes.get(label) ?? 0);
    const precisions = relevant === 0 ? [] : hitPrecisions(ranking, gallery.classes, label, relevant);
    if (relevant > 0) {
      addInterpolated(sums, precisions);
      counted += 1;
      shares += relevant / ranking.length;
    }
    outcomes.push({
      query,
      averagePrecision: relevant === 0 ? null : precisions.reduce((sum, x) => sum + x, 0) / relevant,
      firstRelevantRank: relevant === 0 ? null : Math.round(1 / (precisions[0] as number)),
      counterpartRank:
        pair >= 0 && pairSizes.has(pair) ? 1 + ranking.findIndex((r) => gallery.pairs[r] === pair) : null,
      relevant,
      top: Array.from(ranking.subarray(0, depth), (row) => ({
        row,
        similarity: dot(embedding, rowOf(gallery.embeddings, row)),
      })),
    });
  }
  return {
    outcomes,
    precision: counted === 0 ? null : Array.from(sums, (sum) => sum / counted),
    chance: counted === 0 ? null : shares / counted,
  };
}

/** Precision at the rank of the first, second … relevant item. */
function hitPrecisions(ranking: Int32Array, classes: Int32Array, label: number, relevant: number): number[] {
  const precisions: number[] = [];
  for (let rank = 1; precisions.length < relevant; rank += 1) {
    if (classes[ranking[rank - 1] as number] === label) precisions.push((precisions.length + 1) / rank);
  }
  return precisions;
}

/** Adds to each level the highest precision at any recall from this level on. */
function addInterpolated(sums: Float64Array, precisions: readonly number[]): void {
  const relevant = precisions.length;
  let highest = 0;
  let hit = relevant;
  for (let level = RECALL_STEPS; level >= 0; level -= 1) {
    // The first hit that reaches this recall. The product is an integer, so the quotient of a whole number is exact.
    const needed = Math.max(1, Math.ceil((level * relevant) / RECALL_STEPS));
    for (; hit >= needed; hit -= 1) highest = Math.max(highest, precisions[hit - 1] as number);
    sums[level] = (sums[level] as number) + highest;
  }
}

function countBy(numbers: Int32Array): Map<number, number> {
  const counts = new Map<number, number>();
  for (const x of numbers) counts.set(x, (counts.get(x) ?? 0) + 1);
  return counts;
}
