/**
 * What a trained encoder is made of, as plain numbers: nothing of the training graph is left. Batch normalisation is
 * folded into the dense layers, decoders, discriminator and classifier are gone.
 */
import type { Modality } from '../../domain/modality.js';
import type { Matrix } from '../math/matrix.js';
import type { Normalisation } from './projection.js';

/** y = activation(x W + b). */
export interface DenseLayer {
  /** [in, out] */
  readonly weights: Matrix;
  /** [out] */
  readonly bias: Float32Array;
  /** Slope below zero: 1 is linear, less is a leaky ReLU. */
  readonly slope: number;
}

/** One way from the components of a feature to a code: layers in a row, with a linear path beside them where there is one. */
export interface Branch {
  readonly layers: readonly DenseLayer[];
  readonly skip: DenseLayer | null;
  /** The classifier on top of the code, whose softmax is the code's posterior over the source set's classes. */
  readonly head: DenseLayer | null;
}

/**
 * An embedding is made of parts, one after another: the branches' codes, then the posteriors of the branches that have a
 * classifier. Each part is brought to length √weight, so that the cosine of two embeddings is the weighted mean of the parts'
 * cosines; or, where `lengths` is not null, keeps some of its own length, so that it is their weighted inner product. Where the
 * parts are wider together than the embedding, a projection shared by both modalities brings them down to it.
 */
export interface EncoderParameters {
  /** [branches]: of the codes; from 0 up. With `posteriorWeights` they sum to 1. */
  readonly branchWeights: readonly number[];
  /** [branches]: of the posteriors; 0 where a branch has no classifier. */
  readonly posteriorWeights: readonly number[];
  /** [sum of the parts' widths, dimension], or null. */
  readonly projection: Matrix | null;
  readonly lengths: Lengths | null;
  readonly sides: Readonly<
    Record<Modality, { readonly normalisation: Normalisation; readonly branches: readonly Branch[] }>
  >;
}

/** A part x becomes √weight · x |x|^(kept − 1) / scale. */
export interface Lengths {
  /** 0: unit length, 1: the length that a code has by itself; between: between. */
  readonly code: number;
  readonly posterior: number;
  readonly sides: Readonly<Record<Modality, SideLengths>>;
}

export interface SideLengths {
  /** [branches]: what brings the mean square of the source set's codes to 1; `posteriors` likewise. */
  readonly codes: readonly number[];
  readonly posteriors: readonly number[];
  /** The longest embedding of the source set, which is brought to length 1; see `onSphere`. */
  readonly radius: number;
}
