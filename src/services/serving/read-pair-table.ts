import type { Catalog } from '../../catalog/catalog.js';
import type { TrainingPair } from '../../catalog/types.js';
import { type Matrix, takeRows } from '../../encoder/math/matrix.js';
import type { PairList, PairRow, PairTable } from '../../evaluation/pair-table.js';

/** Reads the classes of pairs. */
export async function readPairList(catalog: Catalog, pairs: readonly TrainingPair[]): Promise<PairList> {
  const classIds = [...new Set(pairs.flatMap((pair) => pair.classIds.slice(0, 1)))];
  const classById = new Map((await catalog.classes.byIds(classIds)).map((row) => [row.id, row]));
  return { pairs, classOf: pairs.map((pair) => classById.get(pair.classIds[0] ?? '') ?? null) };
}

/** Adds the features of pairs, all in memory. A pair with an item that was deleted meanwhile is left out. */
export async function withFeatures(
  catalog: Catalog,
  { pairs, classOf }: PairList,
  extractors: { readonly image: string; readonly text: string },
): Promise<PairTable> {
  const [images, texts] = await Promise.all([
    readMatrix(
      catalog,
      pairs.map((pair) => pair.imageId),
      extractors.image,
    ),
    readMatrix(
      catalog,
      pairs.map((pair) => pair.textId),
      extractors.text,
    ),
  ]);
  const kept = [...pairs.keys()].filter((row) => images.rowOf(row) >= 0 && texts.rowOf(row) >= 0);
  return {
    pairs: kept.map((row) => pairs[row] as PairRow),
    classOf: kept.map((row) => classOf[row] ?? null),
    image: takeRows(images.matrix, Int32Array.from(kept, images.rowOf)),
    text: takeRows(texts.matrix, Int32Array.from(kept, texts.rowOf)),
  };
}

const NO_ROWS: Matrix = { data: new Float32Array(), rows: 0, columns: 0 };

/** Features of items, and the row of each item in them; −1 for an item without a feature. */
async function readMatrix(catalog: Catalog, ids: readonly string[], extractor: string) {
  const found = await catalog.vectors.featureMatrix([...new Set(ids)], extractor);
  const rows = new Map(found?.ids.map((id, row) => [id, row]));
  return {
    matrix: found?.matrix ?? NO_ROWS,
    rowOf: (i: number) => rows.get(ids[i] ?? '') ?? -1,
  };
}
