import { dot } from '../src/domain/vectors.js';

/** The quality of features without training: nearest neighbours by cosine. */
export interface NeighbourMeasures {
  /** Share of items whose nearest other item has the same subgroup. */
  readonly subgroup: number;
  /** The same for the group. */
  readonly group: number;
}

/** Nearest neighbours within one set of unit vectors. */
export function neighbours(
  rows: readonly Float32Array[],
  labels: readonly { readonly subgroup: string; readonly group: string }[],
): NeighbourMeasures {
  let subgroup = 0;
  let group = 0;
  rows.forEach((row, i) => {
    let nearest = -1;
    let best = Number.NEGATIVE_INFINITY;
    rows.forEach((other, j) => {
      const score = i === j ? Number.NEGATIVE_INFINITY : dot(row, other);
      if (score > best) {
        best = score;
        nearest = j;
      }
    });
    if (labels[nearest]?.subgroup === labels[i]?.subgroup) subgroup += 1;
    if (labels[nearest]?.group === labels[i]?.group) group += 1;
  });
  return { subgroup: subgroup / rows.length, group: group / rows.length };
}

/** Recall@1 and Recall@10, where row i of the gallery is the counterpart of query i. Ties count as found. */
export function counterparts(
  queries: readonly Float32Array[],
  gallery: readonly Float32Array[],
): { readonly recallAt1: number; readonly recallAt10: number } {
  let first = 0;
  let ten = 0;
  queries.forEach((query, i) => {
    const own = dot(query, gallery[i] as Float32Array);
    const closer = gallery.reduce((sum, row, j) => sum + (j !== i && dot(query, row) > own ? 1 : 0), 0);
    if (closer < 1) first += 1;
    if (closer < 10) ten += 1;
  });
  return { recallAt1: first / queries.length, recallAt10: ten / queries.length };
}

/** Indices of the gallery rows by cosine, highest first. */
export function ranked(query: Float32Array, gallery: readonly Float32Array[]): number[] {
  const scores = gallery.map((row) => dot(query, row));
  return scores.map((_, i) => i).sort((a, b) => (scores[b] as number) - (scores[a] as number) || a - b);
}

/** The quantile at `share`, 0 to 1. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
