/** Several codes beside each other, brought down to the width of the embedding with as little harm to their cosines as can be. */
import { MODALITIES } from '../domain/modality.js';
import { embedComponents } from './inference.js';
import { symmetricEigen, zeros } from './linear-algebra.js';
import { rowOf } from './matrix.js';
import type { EncoderParameters } from './parameters.js';
import type { PreparedPairs } from './training-data.js';
import type { Matrix } from './types.js';

/**
 * The directions in which the source set's embeddings, of both modalities together, have most of their length: projecting on
 * them keeps dot products best (Eckart and Young 1936). Not centred, because cosines are not.
 *
 * @returns [sum of the codes' widths, dimension]
 */
export function embeddingProjection(
  parameters: EncoderParameters,
  { image, text }: PreparedPairs,
  dimension: number,
): Matrix {
  const wide: EncoderParameters = { ...parameters, projection: null };
  let width = 0;
  let products = zeros(0, 0);
  for (const modality of MODALITIES) {
    const pairs = modality === 'IMAGE' ? image : text;
    for (let row = 0; row < pairs.rows; row += 1) {
      const x = embedComponents(wide, modality, rowOf(pairs, row));
      if (width === 0) {
        width = x.length;
        products = zeros(width, width);
      }
      for (let i = 0; i < width; i += 1) {
        const factor = x[i] as number;
        for (let j = 0; j < width; j += 1) {
          products.data[i * width + j] = (products.data[i * width + j] as number) + factor * (x[j] as number);
        }
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
