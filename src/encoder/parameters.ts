/**
 * What a trained encoder is made of, as plain numbers: nothing of the training graph is left. Batch normalisation is
 * folded into the dense layers, decoders, discriminator and classifier are gone.
 */
import type { Modality } from '../domain/modality.js';
import type { Normalisation } from './normalisation.js';
import type { Matrix } from './types.js';

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
}

/**
 * The embedding is the branches' codes, each brought to length √weight, one after another: the cosine of two such is the
 * weighted mean of the branches' cosines. Where they are wider together than the embedding, a projection shared by both
 * modalities brings them down to it.
 */
export interface EncoderParameters {
  /** [branches]; positive, sum 1. */
  readonly branchWeights: readonly number[];
  /** [sum of the codes' widths, dimension], or null. */
  readonly projection: Matrix | null;
  readonly sides: Readonly<
    Record<Modality, { readonly normalisation: Normalisation; readonly branches: readonly Branch[] }>
  >;
}
