/** Several codes beside each other, brought down to the width of the embedding with as little harm to their cosines as can be. */
import { MODALITIES } from '../../domain/modality.js';
import { joinedWidth, joinParts, runBranches } from '../inference/inference.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { symmetricEigen, zeros } from '../math/linear-algebra.js';
import { type Matrix, rowOf } from '../math/matrix.js';
import { principalComponents } from './pca.js';
import type { PreparedPairs } from './training-data.js';

/** Up to this width the sums of products are decomposed exactly. */
const EXACT_UP_TO = 512;
/** Beyond it, at most so many rows of each modality are looked at, evenly spread. */
const ROWS = 8192;

/**
 * The directions in which the source set's embeddings, of both modalities together, have most of their length: projecting on
 * them keeps dot products best (Eckart and Young 1936). Not centred, because cosines are not.
 *
 * @returns [sum of the parts' widths, dimension]
 */
export function embeddingProjection(
  parameters: EncoderParameters,
  pairs: PreparedPairs,
  dimension: number,
  seed: number,
): Matrix {
  const width = joinedWidth(parameters);
  return width <= EXACT_UP_TO
    ? exactProjection(parameters, pairs, width, dimension)
    : sampledProjection(parameters, pairs, width, dimension, seed);
}

function exactProjection(
  parameters: EncoderParameters,
  pairs: PreparedPairs,
  width: number,
  dimension: number,
): Matrix {
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

/** Many classes make posteriors wide: an exact decomposition would take minutes. */
function sampledProjection(
  parameters: EncoderParameters,
  pairs: PreparedPairs,
  width: number,
  dimension: number,
  seed: number,
): Matrix {
  const rows = [...joinedRows(parameters, pairs, ROWS)];
  const data = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    data.set(row, i * width);
  });
  const { basis } = principalComponents({ data, rows: rows.length, columns: width }, dimension, seed);
  if (basis.columns === dimension) return basis;
  // Fewer rows than dimensions: the other columns stay 0.
  const wider = new Float32Array(width * dimension);
  for (let i = 0; i < width; i += 1) {
    wider.set(basis.data.subarray(i * basis.columns, (i + 1) * basis.columns), i * dimension);
  }
  return { data: wider, rows: width, columns: dimension };
}

function* joinedRows(
  parameters: EncoderParameters,
  { image, text }: PreparedPairs,
  most: number,
): Generator<Float32Array> {
  for (const modality of MODALITIES) {
    const side = modality === 'IMAGE' ? image : text;
    const step = Math.max(1, Math.ceil(side.rows / most));
    for (let row = 0; row < side.rows; row += step) {
      yield joinParts(parameters, modality, runBranches(parameters, modality, rowOf(side, row)));
    }
  }
}
