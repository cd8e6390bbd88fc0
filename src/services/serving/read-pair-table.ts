import type { Catalog } from '../../catalog/catalog.js';
import type { TrainingPair } from '../../catalog/types.js';
import { gather } from '../../encoder/math/matrix.js';
import type { PairList, PairTable } from '../../evaluation/pair-table.js';

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
    catalog.vectors.featuresFor([...new Set(pairs.map((pair) => pair.imageId))], extractors.image),
    catalog.vectors.featuresFor([...new Set(pairs.map((pair) => pair.textId))], extractors.text),
  ]);
  const rows = [...pairs.entries()].flatMap(([row, pair]) =>
    images.has(pair.imageId) && texts.has(pair.textId) ? [{ pair, of: classOf[row] ?? null }] : [],
  );
  return {
    pairs: rows.map(({ pair }) => pair),
    classOf: rows.map(({ of }) => of),
    image: gather(rows.map(({ pair }) => images.get(pair.imageId))),
    text: gather(rows.map(({ pair }) => texts.get(pair.textId))),
  };
}
