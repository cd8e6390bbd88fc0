/** The best and the worst queries with their results. */
import type { RetrievalSide } from '../../domain/metrics.js';
import type { Modality } from '../../domain/modality.js';
import type { Direction, ItemPreview, QueryExample, SpaceDetails } from './space-details.js';
import type { QueryOutcome, Walk } from './walk-queries.js';

/** Examples in each direction, and results of each. */
const EXAMPLES = 4;
const EXAMPLE_RESULTS = 6;
/** Sorts a query without a counterpart behind those with one. */
const NOWHERE = Number.MAX_SAFE_INTEGER;

interface ExampleInput {
  readonly image: RetrievalSide;
  readonly text: RetrievalSide;
  readonly classNames: readonly string[];
}

/**
 * Sorted by average precision (or by the counterpart's reciprocal rank where nothing has a class), then by the number of relevant
 * items, the counterpart's rank and the row. At most one query of a class, so that no easy or hard class fills the page.
 */
export function bestAndWorst(
  input: ExampleInput,
  walks: Readonly<Record<Direction, Walk>>,
): Pick<SpaceDetails, 'best' | 'worst'> {
  const best: QueryExample[] = [];
  const worst: QueryExample[] = [];
  for (const direction of ['i2t', 't2i'] as const) {
    const queries = direction === 'i2t' ? input.image : input.text;
    const sorted = walks[direction].outcomes
      .filter((outcome) => figure(outcome) !== null)
      .toSorted(
        (a, b) =>
          (figure(b) as number) - (figure(a) as number) ||
          b.relevant - a.relevant ||
          (a.counterpartRank ?? NOWHERE) - (b.counterpartRank ?? NOWHERE) ||
          a.query - b.query,
      );
    const tell = (outcome: QueryOutcome) => exampleOf(input, direction, outcome);
    const first = onePerClass(sorted, queries);
    best.push(...first.map(tell));
    const left = sorted.filter((outcome) => !first.includes(outcome));
    worst.push(...onePerClass(left.toReversed(), queries).map(tell));
  }
  return { best, worst };
}

function figure(outcome: QueryOutcome): number | null {
  if (outcome.averagePrecision !== null) return outcome.averagePrecision;
  return outcome.counterpartRank === null ? null : 1 / outcome.counterpartRank;
}

function onePerClass(outcomes: readonly QueryOutcome[], queries: RetrievalSide): QueryOutcome[] {
  const taken = new Set<number>();
  const chosen: QueryOutcome[] = [];
  for (const outcome of outcomes) {
    const label = queries.classes[outcome.query] as number;
    if (label >= 0 && taken.has(label)) continue;
    taken.add(label);
    chosen.push(outcome);
    if (chosen.length === EXAMPLES) break;
  }
  return chosen;
}

function exampleOf(input: ExampleInput, direction: Direction, outcome: QueryOutcome): QueryExample {
  const [queries, gallery] = direction === 'i2t' ? [input.image, input.text] : [input.text, input.image];
  const [asked, found] = direction === 'i2t' ? (['IMAGE', 'TEXT'] as const) : (['TEXT', 'IMAGE'] as const);
  const label = queries.classes[outcome.query] as number;
  const pair = queries.pairs[outcome.query] as number;
  const preview = (modality: Modality, side: RetrievalSide, row: number): ItemPreview => ({
    modality,
    row,
    id: side.ids?.[row] ?? null,
    class: input.classNames[side.classes[row] as number] ?? null,
    picture: null,
    text: null,
  });
  return {
    direction,
    query: preview(asked, queries, outcome.query),
    averagePrecision: outcome.averagePrecision,
    counterpartRank: outcome.counterpartRank,
    results: outcome.top.slice(0, EXAMPLE_RESULTS).map(({ row, similarity }) => ({
      ...preview(found, gallery, row),
      similarity,
      relevant: label >= 0 && gallery.classes[row] === label,
      counterpart: pair >= 0 && gallery.pairs[row] === pair,
    })),
  };
}
