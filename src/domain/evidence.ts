/** Kinds of evidence by which a search finds an item; see the schema's `Evidence`. */
export const EVIDENCES = ['CONTENT', 'COUNTERPART', 'LEXICAL', 'BORROWED'] as const;
export type Evidence = (typeof EVIDENCES)[number];

/** The similarities of an item to a query, by each kind of evidence that the item has. A missing one is absent, not 0. */
export type Similarities = Readonly<Partial<Record<Evidence, number>>>;

/** The similarity of an item by one kind of evidence; `rank` is its rank in that evidence's ranking, from 1. */
export interface EvidenceScore {
  readonly evidence: Evidence;
  readonly rank: number;
  readonly similarity: number;
}

/** A search result before the item is loaded. */
export interface RankedHit {
  readonly id: string;
  readonly score: number;
  readonly evidence: readonly EvidenceScore[];
}

/** A ranking of one kind of evidence, best first. */
export interface EvidenceRanking {
  readonly evidence: Evidence;
  readonly hits: readonly { readonly id: string; readonly similarity: number }[];
}

/** A ranking by one kind of evidence: the score is the similarity. `firstRank` is the rank of the first hit. */
export function singleEvidence(ranking: EvidenceRanking, firstRank = 1): RankedHit[] {
  return ranking.hits.map(({ id, similarity }, index) => ({
    id,
    score: similarity,
    evidence: [{ evidence: ranking.evidence, rank: firstRank + index, similarity }],
  }));
}
