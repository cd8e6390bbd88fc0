/** Fits the output projection: it reduces the concatenated parts to the width of the embedding. */
import { MODALITIES } from '../../domain/modality.js';
import { runBranches } from '../inference/branches.js';
import { joinedWidth, joinParts } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { symmetricEigen, zeros } from '../math/linear-algebra.js';
import { gather, type Matrix, rowOf } from '../math/matrix.js';
import { principalComponents } from './pca.js';
import { PROJECTED_ROWS, sampleOf } from './scale.js';
import type { PreparedPairs } from './training-data.js';

/** Up to this width, the second-moment matrix is decomposed exactly. */
const EXACT_UP_TO = 512;

/**
 * The principal directions of the training set's embeddings, of both modalities together. Among linear maps of this width,
 * they keep dot products best (Eckart and Young 1936). They are not centred, because cosines are not.
 *
 * @param pairs the training pairs; of many, `PROJECTED_ROWS` are used
 * @param dimension number of columns of the projection
 * @param seed of the sampled decomposition
 * @returns [joinedWidth, dimension]
 */
export function fitOutputProjection(
  parameters: EncoderParameters,
  pairs: PreparedPairs,
  dimension: number,
  seed: number,
): Matrix {
  return joinedWidth(parameters) <= EXACT_UP_TO
    ? exactProjection(parameters, pairs, dimension)
    : sampledProjection(parameters, pairs, dimension, seed);
}

function exactProjection(parameters: EncoderParameters, pairs: PreparedPairs, dimension: number): Matrix {
  const width = joinedWidth(parameters);
  const products = zeros(width, width);
  for (const x of joinedRows(parameters, pairs, Number.POSITIVE_INFINITY)) {
    for (let i = 0; i < width; i += 1) {
      const factor = x[i] as number;
      if (factor === 0) continue;
      for (let j = 0; j < width; j += 1) {
        products.data[i * width + j] = (products.data[i * width + j] as number) + factor * (x[j] as number);
      }
    }
  }
  const { vectors } = symmetricEigen(products);
  const data = new Float32Array(width * dimension);
  for (let i = 0; i < width; i += 1) {
    for (let k = 0; k < dimension; k += 1) data[i * dimension + k] = vectors.data[k * width + i] as number;
  }
  return { data, rows: width, columns: dimension };
}

/** With many classes the posteriors are wide, and an exact decomposition would take minutes. */
function sampledProjection(
  parameters: EncoderParameters,
  pairs: PreparedPairs,
  dimension: number,
  seed: number,
): Matrix {
  const rows = gather([...joinedRows(parameters, pairs, PROJECTED_ROWS)]);
  const { basis } = principalComponents(rows, dimension, seed);
  if (basis.columns === dimension) return basis;
  // With fewer rows than dimensions, the remaining columns stay 0.
  const data = new Float32Array(basis.rows * dimension);
  for (let i = 0; i < basis.rows; i += 1) data.set(rowOf(basis, i), i * dimension);
  return { data, rows: basis.rows, columns: dimension };
}

/** The concatenated parts of at most `most` rows of each modality. */
function* joinedRows(
  parameters: EncoderParameters,
  { image, text }: PreparedPairs,
  most: number,
): Generator<Float32Array> {
  for (const modality of MODALITIES) {
    const side = sampleOf(modality === 'IMAGE' ? image : text, PROJECTED_ROWS);
    const step = Math.max(1, Math.ceil(side.rows / most));
    for (let row = 0; row < side.rows; row += step) {
      yield joinParts(parameters, modality, runBranches(parameters, modality, rowOf(side, row)));
    }
  }
}
