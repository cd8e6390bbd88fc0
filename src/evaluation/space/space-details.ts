/** What is to be seen of a common space on one set. Figures are 0 to 1 where nothing else is said. Plain JSON. */
import type { Method } from '../../domain/evaluation-record.js';
import type { Modality } from '../../domain/modality.js';

export type Direction = 'i2t' | 't2i';

export interface SpaceDetails {
  /** The same word as `TableRow.set`. */
  readonly set: string;
  readonly images: number;
  readonly texts: number;
  readonly curves: readonly MethodCurve[];
  /** By mean average precision, best first; null figures last, then by name. */
  readonly perClass: readonly ClassDetails[];
  readonly similarities: SimilarityHistograms;
  readonly gap: ModalityGap;
  readonly map: SpaceMap;
  /** In both directions: best first, worst first. */
  readonly best: readonly QueryExample[];
  readonly worst: readonly QueryExample[];
}

/** Interpolated precision over recall, the mean over the queries that have something relevant. */
export interface MethodCurve {
  readonly method: Method;
  readonly direction: Direction;
  /** Ascending, 0 to 1. */
  readonly recall: readonly number[];
  readonly precision: readonly number[];
}

export interface ClassDetails {
  readonly name: string;
  /** Whether it was trained on. */
  readonly seen: boolean;
  /** Queries of this class, of each modality. */
  readonly images: number;
  readonly texts: number;
  /** Mean average precision of its queries; null where the gallery has nothing of it. */
  readonly i2tAp: number | null;
  readonly t2iAp: number | null;
  /** What a random order would give in expectation, the mean of both directions. */
  readonly chance: number | null;
}

/** Cosine similarities of an image and a text, counted in bins of one width. */
export interface SimilarityHistograms {
  /** [bins + 1], ascending; the last bin holds its upper edge too. */
  readonly edges: readonly number[];
  readonly groups: readonly SimilarityGroup[];
  /** Probability that a counterpart is closer than an image and a text that are none (ties count half); null without either. */
  readonly counterpartAuc: number | null;
  /** The same of one class against another, counterparts aside. */
  readonly classAuc: number | null;
  /** Whether the pairs that are no counterparts were drawn at random rather than all counted. */
  readonly sampled: boolean;
}

export interface SimilarityGroup {
  /** An image and its own text; of one class, but no counterparts; of different classes (or of none). */
  readonly kind: 'counterpart' | 'same-class' | 'other';
  /** [bins] */
  readonly counts: readonly number[];
  readonly total: number;
  readonly mean: number | null;
}

/** How far the modalities lie apart as such. */
export interface ModalityGap {
  /** Distance of the mean image embedding from the mean text embedding, 0 to 2 (Liang et al. 2022). */
  readonly centroidDistance: number | null;
  /** Length of each modality's mean embedding: 1 if all of them are one point, 0 if they spread around the origin. */
  readonly imageConcentration: number | null;
  readonly textConcentration: number | null;
  /** Share of embeddings whose modality a linear rule tells, cross-validated; .5 is guessing. Null where there are too few. */
  readonly linearAccuracy: number | null;
}

/** The space drawn on paper: a sample of points, each at two places. */
export interface SpaceMap {
  readonly points: readonly MapPoint[];
  /** Share of the variance that the principal plane shows. */
  readonly explained: number;
  readonly perplexity: number | null;
  /** How many points there were before a sample was drawn. */
  readonly of: number;
}

export interface MapPoint {
  readonly modality: Modality;
  /** Row of its side. */
  readonly row: number;
  /** Class name, null for none. */
  readonly class: string | null;
  /** Points of one pair share a number; null for none. */
  readonly pair: number | null;
  /** On the first two principal components. */
  readonly pca: readonly [x: number, y: number];
  /** By t-SNE, 0 to 1 each way; null where there are too few points. */
  readonly tsne: readonly [x: number, y: number] | null;
}

/** A query with what it found. */
export interface QueryExample {
  readonly direction: Direction;
  readonly query: ItemPreview;
  /** Average precision over the gallery, null where nothing is relevant. */
  readonly averagePrecision: number | null;
  /** Rank of its first counterpart, from 1; null where it has none. */
  readonly counterpartRank: number | null;
  readonly results: readonly ResultPreview[];
}

/** What a person recognises an item by. */
export interface ItemPreview {
  readonly modality: Modality;
  /** Row of its side. */
  readonly row: number;
  readonly id: string | null;
  readonly class: string | null;
  /** A small picture as a `data:` URI; null where there is none to show. */
  readonly picture: string | null;
  /** The text, or the picture's title. */
  readonly text: string | null;
}

export interface ResultPreview extends ItemPreview {
  readonly similarity: number;
  readonly relevant: boolean;
  readonly counterpart: boolean;
}
