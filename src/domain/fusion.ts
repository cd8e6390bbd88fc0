import type { EvidenceScore, RankedHit, Similarities } from './evidence.js';

/**
 * Fusion by calibrated evidence: a logistic model turns the similarities of an item into the probability that it is what the
 * query asks for. Similarities are evidence, and evidence that an item lacks is missing, not 0. With c, p, t, b the
 * similarities by CONTENT, COUNTERPART, LEXICAL and BORROWED, and p*, t* the best p and t of the query, t* at most 1:
 *
 * - with a counterpart: `s = constant + content·c + counterpart·p − counterpartGap·(p* − p) + lexical·t − lexicalGap·(t* − t)`
 * - without one:        `s = constant + content·c − counterpartBest·p* + borrowed·b − borrowedGap·(p* − b) + words`, where
 *   words is `lexical·t − lexicalGap·(t* − t)` for an item that has words of its own, else `−lexicalBest·t*`
 *
 * The probability is `1 / (1 + e^−(offset + slope·s))`. All coefficients but the constants are at least 0, so that a higher
 * similarity never lowers a score. The difference to the best of the query counts most (docs/decisions/0020-calibrated-fusion.md).
 */
export interface FusionCoefficients {
  readonly withCounterpart: {
    readonly constant: number;
    readonly content: number;
    readonly counterpart: number;
    readonly counterpartGap: number;
    readonly lexical: number;
    readonly lexicalGap: number;
  };
  readonly withoutCounterpart: {
    readonly constant: number;
    readonly content: number;
    readonly counterpartBest: number;
    readonly borrowed: number;
    readonly borrowedGap: number;
    readonly lexical: number;
    readonly lexicalGap: number;
    readonly lexicalBest: number;
  };
  /** From the linear score to the probability. */
  readonly probability: { readonly offset: number; readonly slope: number };
}

/** How much each kind of evidence counts; 1 is as calibrated. */
export interface EvidenceWeights {
  readonly content: number;
  readonly counterpart: number;
  readonly lexical: number;
  readonly borrowed: number;
}

export const EQUAL_WEIGHTS: EvidenceWeights = { content: 1, counterpart: 1, lexical: 1, borrowed: 1 };

export interface Candidate {
  readonly id: string;
  readonly similarities: Similarities;
}

/** The highest similarities of a query; 0 for evidence that nothing has. */
export interface BestSimilarities {
  readonly counterpart: number;
  readonly lexical: number;
}

export function bestOf(candidates: readonly Candidate[]): BestSimilarities {
  let counterpart = 0;
  let lexical = 0;
  for (const { similarities } of candidates) {
    counterpart = Math.max(counterpart, similarities.COUNTERPART ?? 0);
    lexical = Math.max(lexical, similarities.LEXICAL ?? 0);
  }
  return { counterpart, lexical };
}

/** The linear score s of an item. */
export function linearScore(
  { CONTENT: c = 0, COUNTERPART: p, LEXICAL: t, BORROWED: b }: Similarities,
  best: BestSimilarities,
  { withCounterpart: w, withoutCounterpart: o }: FusionCoefficients,
  weights: EvidenceWeights = EQUAL_WEIGHTS,
): number {
  // A title that is the whole query raises its own item above 1, and lowers no other one.
  const bestWords = Math.min(1, best.lexical);
  if (p !== undefined) {
    const counterpart = w.counterpart * p - w.counterpartGap * (best.counterpart - p);
    const lexical = t === undefined ? 0 : w.lexical * t - w.lexicalGap * (bestWords - t);
    const content = w.content * c;
    return (
      w.constant + weights.content * content + weights.counterpart * counterpart + weights.lexical * lexical
    );
  }
  const lexical =
    t === undefined || t === 0 ? -o.lexicalBest * bestWords : o.lexical * t - o.lexicalGap * (bestWords - t);
  const borrowed = b === undefined ? 0 : o.borrowed * b - o.borrowedGap * (best.counterpart - b);
  return (
    o.constant +
    weights.content * o.content * c -
    weights.counterpart * o.counterpartBest * best.counterpart +
    weights.borrowed * borrowed +
    weights.lexical * lexical
  );
}

export function probabilityOf(linear: number, { probability }: FusionCoefficients): number {
  return 1 / (1 + Math.exp(-(probability.offset + probability.slope * linear)));
}

/** The candidates by score descending, then id ascending. */
export function fuse(
  candidates: readonly Candidate[],
  coefficients: FusionCoefficients,
  weights: EvidenceWeights = EQUAL_WEIGHTS,
  best = bestOf(candidates),
): { readonly candidate: Candidate; readonly score: number }[] {
  return candidates
    .map((candidate) => {
      const linear = linearScore(candidate.similarities, best, coefficients, weights);
      return { candidate, linear, score: probabilityOf(linear, coefficients) };
    })
    .sort((a, b) => b.linear - a.linear || (a.candidate.id < b.candidate.id ? -1 : 1));
}

/** Fused results with their evidence. `rankOf` gives the rank of an item in the ranking of one kind of evidence. */
export function rankedHits(
  fused: readonly { readonly candidate: Candidate; readonly score: number }[],
  rankOf: (evidence: EvidenceScore['evidence'], id: string) => number,
): RankedHit[] {
  return fused.map(({ candidate: { id, similarities }, score }) => ({
    id,
    score,
    evidence: (Object.entries(similarities) as [EvidenceScore['evidence'], number][]).map(
      ([evidence, similarity]) => ({ evidence, rank: rankOf(evidence, id), similarity }),
    ),
  }));
}

/** For queries that are texts. Fitted on several catalogues with real queries (docs/decisions/0020-calibrated-fusion.md). */
const TEXT_QUERIES: FusionCoefficients = {
  withCounterpart: {
    constant: -2.56,
    content: 0,
    counterpart: 0,
    counterpartGap: 23.65,
    lexical: 4.04,
    lexicalGap: 7.63,
  },
  withoutCounterpart: {
    constant: -6.31,
    content: 4.28,
    counterpartBest: 1.19,
    borrowed: 4.38,
    borrowedGap: 2.55,
    lexical: 4.04,
    lexicalGap: 7.63,
    lexicalBest: 0.86,
  },
  // Fitted to the first results, of which more are right than of all.
  probability: { offset: 0.69, slope: 0.69 },
};

/** For queries that are pictures: similarities of image features lie closer together, and there are no words. */
const IMAGE_QUERIES: FusionCoefficients = {
  withCounterpart: {
    constant: -9.5,
    content: 2.25,
    counterpart: 9.24,
    counterpartGap: 29.1,
    lexical: 0,
    lexicalGap: 0,
  },
  withoutCounterpart: {
    constant: -5.37,
    content: 6,
    counterpartBest: 2.82,
    borrowed: 3.24,
    borrowedGap: 6.01,
    lexical: 0,
    lexicalGap: 0,
    lexicalBest: 0,
  },
  // Pictures in one style lie close together, so a high similarity says little about the first result.
  probability: { offset: -0.6, slope: 0.3 },
};

/** The coefficients that a catalogue uses until it has its own; see docs/search.md. */
export const SHIPPED_COEFFICIENTS = { TEXT: TEXT_QUERIES, IMAGE: IMAGE_QUERIES } as const;
