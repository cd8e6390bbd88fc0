import { EVIDENCES, type Evidence, type Similarities } from '../../domain/evidence.js';
import {
  type BestSimilarities,
  type EvidenceWeights,
  type FusionCoefficients,
  linearScore,
} from '../../domain/fusion.js';

/**
 * Fusion of several queries with weights, of which the positive ones add up to 1. For each part, the model of
 * src/domain/fusion.ts gives the log odds z that an item is what that part asks for. The log odds of the whole are
 * `Σ w·z` over the positive parts, less `|w|·max(0, z − floor)` for each negative part: items that match a negative part
 * fall, and others stay as they are.
 */
export interface FusedPart {
  readonly weight: number;
  readonly coefficients: FusionCoefficients;
  readonly best: BestSimilarities;
}

/** The log odds (of a probability of .01) above which an item matches a negative part. */
const NEGATIVE_FLOOR = Math.log(0.01 / 0.99);

/** The log odds of an item. @param similarities to each of the parts */
export function fusedLogOdds(
  parts: readonly FusedPart[],
  similarities: readonly Similarities[],
  weights: EvidenceWeights,
): number {
  let sum = 0;
  parts.forEach(({ weight, coefficients, best }, i) => {
    const { offset, slope } = coefficients.probability;
    const odds = offset + slope * linearScore(similarities[i] ?? {}, best, coefficients, weights);
    sum += weight * (weight > 0 ? odds : Math.max(0, odds - NEGATIVE_FLOOR));
  });
  return sum;
}

export function probabilityOfLogOdds(odds: number): number {
  return 1 / (1 + Math.exp(-odds));
}

/** By each kind of evidence, the weighted mean over the positive parts that have it. */
export function meanSimilarities(
  parts: readonly { readonly weight: number }[],
  similarities: readonly Similarities[],
): Similarities {
  const [only] = similarities;
  if (parts.length === 1 && only !== undefined) return only;
  const mean: Partial<Record<Evidence, number>> = {};
  for (const kind of EVIDENCES) {
    let sum = 0;
    let total = 0;
    parts.forEach(({ weight }, i) => {
      const similarity = similarities[i]?.[kind];
      if (weight <= 0 || similarity === undefined) return;
      sum += weight * similarity;
      total += weight;
    });
    if (total > 0) mean[kind] = sum / total;
  }
  return mean;
}

/**
 * The score by one kind of evidence: `Σ w·similarity`, in which a similarity that an item lacks, or a negative one to a
 * negative part, counts 0. Null if the item lacks the similarities to all positive parts.
 */
export function combinedSimilarity(
  parts: readonly { readonly weight: number }[],
  similarities: readonly Similarities[],
  kind: Evidence,
): number | null {
  let sum = 0;
  let found = false;
  parts.forEach(({ weight }, i) => {
    const similarity = similarities[i]?.[kind];
    if (similarity === undefined) return;
    found ||= weight > 0;
    sum += weight * (weight > 0 ? similarity : Math.max(0, similarity));
  });
  return found ? sum : null;
}
