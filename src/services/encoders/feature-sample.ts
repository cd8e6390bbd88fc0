import type { Catalog } from '../../catalog/catalog.js';
import { throwIfCancelled } from '../../domain/errors.js';
import type { Modality } from '../../domain/modality.js';
import { gather, type Matrix, rowOf } from '../../encoder/math/matrix.js';

/** Rows of a sample at most: of 512 numbers each, 16 MB. */
const MOST_ROWS = 8_192;

/** Features of an extractor at even distances in the order of the items' ids: [n, columns], n at most MOST_ROWS. */
export async function sampleFeatures(
  catalog: Catalog,
  {
    id,
    modality,
    dimension,
  }: { readonly id: string; readonly modality: Modality; readonly dimension: number },
  signal?: AbortSignal,
): Promise<Matrix> {
  const count = (await catalog.items.countByModality())[modality];
  const every = Math.max(1, Math.ceil(count / MOST_ROWS));
  const rows: Float32Array[] = [];
  let seen = 0;
  for await (const { ids, matrix } of catalog.vectors.featuresOf(id)) {
    throwIfCancelled(signal);
    for (let row = 0; row < ids.length; row += 1, seen += 1) {
      // A copy: the view would keep the whole chunk in memory.
      if (seen % every === 0 && rows.length < MOST_ROWS) rows.push(rowOf(matrix, row).slice());
    }
  }
  return gather(rows, dimension);
}
