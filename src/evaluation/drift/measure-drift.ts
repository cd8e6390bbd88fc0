import type { Matrix } from '../../domain/matrix.js';
import type { RetrievalSide } from '../../domain/metrics.js';
import type { Modality } from '../../domain/modality.js';
import { modalityGap } from '../space/modality-gap.js';
import { energyDistance, stabilityIndex } from './distances.js';

/** One direction of search: samples of queries, and of the training set in place of queries. All are of one encoder. */
export interface DriftInput {
  readonly query: Modality;
  readonly target: Modality;
  readonly live: Sample;
  readonly reference: Sample;
  /** The calibrated threshold of similarity; null without one. */
  readonly threshold: number | null;
}

interface Sample {
  /** CONTENT of the best hit of each. */
  readonly similarities: readonly number[];
  /** [n, dimension] */
  readonly embeddings: Matrix;
}

/** How queries of a direction differ from the training set. */
export interface QueryDrift {
  readonly query: Modality;
  readonly target: Modality;
  /** The numbers of sampled queries, and of sampled items of the training set. */
  readonly samples: number;
  readonly references: number;
  /** Means of the similarity of the best hit. */
  readonly similarity: number;
  readonly referenceSimilarity: number;
  /** Of these similarities; see `stabilityIndex`. */
  readonly stabilityIndex: number;
  /** Of the embeddings, 0 to 1; see `energyDistance`. */
  readonly energyDistance: number;
  /** Shares of queries whose best hit is below the calibrated threshold; null without one. */
  readonly belowThreshold: number | null;
  readonly referenceBelowThreshold: number | null;
}

export interface EmbeddedSide {
  /** [n, dimension] */
  readonly embeddings: Matrix;
  /** [n]; pair number, −1 for none. */
  readonly pairs: Int32Array;
}

export interface HealthTask {
  /** Items, to compare the modalities. */
  readonly images: EmbeddedSide;
  readonly texts: EmbeddedSide;
  readonly directions: readonly DriftInput[];
}

export interface HealthFigures {
  /** Distance of the mean image embedding from the mean text embedding, 0 to 2; null where a modality has no items. */
  readonly modalityGap: number | null;
  /** Share of embeddings whose modality a linear rule finds, cross-validated; .5 is chance. Null where there are too few. */
  readonly discriminatorAccuracy: number | null;
  readonly queries: readonly QueryDrift[];
}

const SEED = 1;

export function measureHealth({ images, texts, directions }: HealthTask): HealthFigures {
  const gap = modalityGap(withoutClasses(images), withoutClasses(texts), SEED);
  return {
    modalityGap: gap.centroidDistance,
    discriminatorAccuracy: gap.linearAccuracy,
    queries: directions.map(measureDrift),
  };
}

function measureDrift({ query, target, live, reference, threshold }: DriftInput): QueryDrift {
  const below = ({ similarities }: Sample) =>
    threshold === null ? null : mean(similarities.map((similarity) => (similarity < threshold ? 1 : 0)));
  return {
    query,
    target,
    samples: live.similarities.length,
    references: reference.similarities.length,
    similarity: mean(live.similarities),
    referenceSimilarity: mean(reference.similarities),
    stabilityIndex: stabilityIndex(live.similarities, reference.similarities),
    energyDistance: energyDistance(live.embeddings, reference.embeddings),
    belowThreshold: below(live),
    referenceBelowThreshold: below(reference),
  };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function withoutClasses(side: EmbeddedSide): RetrievalSide {
  return { ...side, classes: new Int32Array(side.pairs.length).fill(-1) };
}
