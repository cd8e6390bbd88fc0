/** The results of each query, a line of predictions.jsonl each. */
import type { RetrievalSide } from '../../domain/metrics.js';
import type { Direction } from './space-details.js';
import type { Walk } from './walk-queries.js';

/** One query. Ids are those of the catalogue, or the numbers of a bundle's rows. */
export interface Prediction {
  readonly set: string;
  readonly direction: Direction;
  readonly query: string;
  readonly class: string | null;
  /** Best first. */
  readonly results: readonly { readonly id: string; readonly score: number; readonly relevant: boolean }[];
  /** Null where the gallery has no item of its class. */
  readonly ap: number | null;
  /** Ranks from 1; null where there is none. */
  readonly first_relevant_rank: number | null;
  readonly counterpart_rank: number | null;
}

export function toPredictions(
  input: {
    readonly set: string;
    readonly image: RetrievalSide;
    readonly text: RetrievalSide;
    readonly classNames: readonly string[];
  },
  direction: Direction,
  walk: Walk,
): Prediction[] {
  const [queries, gallery] = direction === 'i2t' ? [input.image, input.text] : [input.text, input.image];
  return walk.outcomes.map((outcome) => {
    const label = queries.classes[outcome.query] as number;
    return {
      set: input.set,
      direction,
      query: idOf(queries, outcome.query),
      class: label < 0 ? null : (input.classNames[label] ?? String(label)),
      results: outcome.top.map(({ row, similarity }) => ({
        id: idOf(gallery, row),
        score: Math.round(similarity * 1e6) / 1e6,
        relevant: label >= 0 && gallery.classes[row] === label,
      })),
      ap: outcome.averagePrecision,
      first_relevant_rank: outcome.firstRelevantRank,
      counterpart_rank: outcome.counterpartRank,
    };
  });
}

function idOf(side: RetrievalSide, row: number): string {
  return side.ids?.[row] ?? String(row);
}
