/** The analysis of a common space on one set, as JSON. Figures are 0 to 1 unless a comment says otherwise. */
import type { Method } from '../../domain/evaluation-record.js';
import type { Modality } from '../../domain/modality.js';

export type Direction = 'i2t' | 't2i';

export interface SpaceDetails {
  /** The name in `TableRow.set`. */
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

/** Interpolated precision over recall, the mean over the queries with a relevant item. */
export interface MethodCurve {
  readonly method: Method;
  readonly direction: Direction;
  /** Ascending, 0 to 1. */
  readonly recall: readonly number[];
  readonly precision: readonly number[];
}

export interface ClassDetails {
  readonly name: string;
  /** Whether the class is in the training set. */
  readonly seen: boolean;
  /** Queries of this class in each modality. */
  readonly images: number;
  readonly texts: number;
  /** Mean average precision of its queries; null where the gallery has no item of it. */
  readonly i2tAp: number | null;
  readonly t2iAp: number | null;
  /** The classes that its queries find in its place; see confusions.ts. */
  readonly confusedWith: readonly { readonly name: string; readonly share: number }[];
  /** The expectation for a random order, the mean of both directions. */
  readonly chance: number | null;
}

/** Cosine similarities of an image and a text, counted in bins of one width. */
export interface SimilarityHistograms {
  /** [bins + 1], ascending; the last bin includes its upper edge. */
  readonly edges: readonly number[];
  readonly groups: readonly SimilarityGroup[];
  /** Probability that counterparts are more similar than other images and texts (ties count half); null without either. */
  readonly counterpartAuc: number | null;
  /** The same of one class against different classes, without counterparts. */
  readonly classAuc: number | null;
  /** Whether the combinations that are not counterparts are a random sample. */
  readonly sampled: boolean;
}

export interface SimilarityGroup {
  /** Counterparts; others of one class; of different classes (or without a class). */
  readonly kind: 'counterpart' | 'same-class' | 'other';
  /** [bins] */
  readonly counts: readonly number[];
  readonly total: number;
  readonly mean: number | null;
}

/** The distance of the modalities from each other. */
export interface ModalityGap {
  /** Distance of the mean image embedding from the mean text embedding, 0 to 2 (Liang et al. 2022). */
  readonly centroidDistance: number | null;
  /** Length of each modality's mean embedding: 1 if all embeddings are equal, 0 if they are spread around the origin. */
  readonly imageConcentration: number | null;
  readonly textConcentration: number | null;
  /** Share of embeddings whose modality a linear rule finds, cross-validated; .5 is chance. Null where there are too few. */
  readonly linearAccuracy: number | null;
}

/** Two maps of a sample of points in the plane. */
export interface SpaceMap {
  readonly points: readonly MapPoint[];
  /** Share of the variance in the principal plane. */
  readonly explained: number;
  readonly perplexity: number | null;
  /** The number of points before sampling. */
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

/** A query with its results. */
export interface QueryExample {
  readonly direction: Direction;
  readonly query: ItemPreview;
  /** Average precision over the gallery; null where no item is relevant. */
  readonly averagePrecision: number | null;
  /** Rank of its first counterpart, from 1; null where it has none. */
  readonly counterpartRank: number | null;
  readonly results: readonly ResultPreview[];
}

/** What the report shows of an item. */
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
