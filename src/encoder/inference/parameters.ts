/**
 * The contents of a trained encoder, as plain numbers. Batch normalisation is folded into the dense layers. Decoders and
 * discriminator are not part of it; the classifier is, where the embedding contains its posterior.
 */
import type { Modality } from '../../domain/modality.js';
import type { Matrix } from '../math/matrix.js';
import type { Normalisation } from './normalise.js';

/** y = activation(x W + b). */
export interface DenseLayer {
  /** [in, out] */
  readonly weights: Matrix;
  /** [out] */
  readonly bias: Float32Array;
  /** Slope below zero: 1 is linear, a value below 1 is a leaky ReLU. */
  readonly slope: number;
}

/** Maps the components of a feature vector to a code: dense layers in sequence, plus a linear path if `skip` is not null. */
export interface Branch {
  readonly layers: readonly DenseLayer[];
  readonly skip: DenseLayer | null;
  /** The classifier on the code. Its softmax is the posterior over the classes of the training set. */
  readonly head: DenseLayer | null;
}

/**
 * An embedding is a concatenation of parts: the codes of all branches, then the posteriors of the branches that have a
 * classifier.
 *
 * Where `norms` is null, each part gets the norm √weight, so the cosine of two embeddings is the weighted mean of the
 * parts' cosines. Otherwise each part keeps some of its own norm, so the cosine is their weighted inner product.
 * Where the parts together are wider than the embedding, an output projection, shared by both modalities, reduces them.
 */
export interface EncoderParameters {
  /** [branches]: weights of the codes, at least 0. With `posteriorWeights` they sum to 1. */
  readonly branchWeights: readonly number[];
  /** [branches]: weights of the posteriors; 0 where a branch has no classifier. */
  readonly posteriorWeights: readonly number[];
  /** [sum of the parts' widths, dimension], or null. */
  readonly projection: Matrix | null;
  readonly norms: KeptNorms | null;
  /**
   * The branch that leaves a space as it is which the features of both modalities share; null or absent without one. Alone it
   * is the zero-shot encoder; see zero-shot.ts.
   */
  readonly aligned?: number | null;
  /**
   * What is added to the unit embedding of a text before it gets unit norm again: dense layers in sequence, [dimension] →
   * [dimension]. Null or absent: nothing. Images are embedded without it; see text-residual.ts of the training.
   */
  readonly textResidual?: readonly DenseLayer[] | null;
  /** The branch that maps to the class embeddings; null or absent without one. */
  readonly semantic?: number | null;
  /**
   * What is added to the embedding of the name of a class before it gets unit norm again: [text components] → [dimension]. Null or
   * absent: nothing. See name-map.ts of the training.
   */
  readonly nameMap?: DenseLayer | null;
  readonly sides: Readonly<
    Record<Modality, { readonly normalisation: Normalisation; readonly branches: readonly Branch[] }>
  >;
}

/** How much of its norm a part keeps. A part x becomes √weight · x |x|^(kept − 1) / scale. */
export interface KeptNorms {
  /** `kept` of the codes, 0 to 1: 0 gives unit norm, 1 keeps the norm as it is. */
  readonly code: number;
  /** `kept` of the posteriors. */
  readonly posterior: number;
  readonly sides: Readonly<Record<Modality, SideNorms>>;
}

/** The scales of one modality. */
export interface SideNorms {
  /** [branches]: `scale` of each code: it brings the mean square of the training set's codes to 1. */
  readonly codes: readonly number[];
  /** [branches]: the same for the posteriors. */
  readonly posteriors: readonly number[];
  /** The largest norm of the training set's embeddings. It is scaled to 1; see `toUnitSphere`. */
  readonly radius: number;
}
