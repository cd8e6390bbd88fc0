import type { Modality } from '../domain/modality.js';

/** Rows of float32, row-major: row i is `data.subarray(i * columns, (i + 1) * columns)`. */
export interface Matrix {
  readonly data: Float32Array;
  readonly rows: number;
  readonly columns: number;
}

/** What an encoder learns from: N pairs. Row i of `image` and of `text` describe the same thing. */
export interface SourceSet {
  /** [N, dv] */
  readonly image: Matrix;
  /** [N, dt] */
  readonly text: Matrix;
  /** [N]; index into the class names, −1 where a pair has no class. */
  readonly labels: Int32Array;
  /** Names of the classes; may be empty. */
  readonly classNames: readonly string[];
  /** [C, da]: the class embeddings, made from the names through the text extractor; C may be 0. */
  readonly classEmbeddings: Matrix;
}

/** The weight λ of each term; 0 switches the term off and saves its cost. */
export interface LossWeights {
  readonly similarity: number;
  readonly reconstruction: number;
  readonly semantics: number;
  readonly adversary: number;
  /** Beyond the paper: InfoNCE over pairs. */
  readonly pairContrast: number;
  /** Beyond the paper: supervised contrastive by class. */
  readonly classContrast: number;
}

export interface TrainOptions {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  readonly dimension: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly weights: LossWeights;
  /** Share of the source set's pairs held out for early stopping, 0 to 0.5. */
  readonly validation: number;
}

export type TrainProgress =
  | { readonly kind: 'prepare'; readonly message: string }
  | {
      readonly kind: 'epoch';
      readonly epoch: number;
      readonly epochs: number;
      /** Mean of each term over the epoch, unweighted. */
      readonly losses: Readonly<Record<string, number>>;
      /** map@all (or Recall@1 where there is no class), mean of both directions, on the validation pairs. */
      readonly validation: number | null;
      readonly best: boolean;
      readonly pairsPerSecond: number;
      readonly secondsLeft: number;
    };

/** What a training gives: weights with everything needed to use them, as bytes to store. */
export interface TrainedEncoder {
  readonly bytes: Uint8Array;
  readonly dimension: number;
  readonly options: TrainOptions;
  readonly epochs: number;
  readonly bestEpoch: number;
  readonly seconds: number;
  /** E.g. that the class terms were off because no pair had a class. */
  readonly notes: readonly string[];
}

/** A loaded encoder: pure arithmetic on the CPU, no tensors, safe to call from any thread. */
export interface Encoder {
  readonly dimension: number;
  readonly featureDimension: Readonly<Record<Modality, number>>;
  /** feature → code → unit length. Throws WRONG_DIMENSION. Well under a millisecond. */
  embed(modality: Modality, feature: Float32Array): Float32Array;
}
