import type { Catalog } from '../../catalog/catalog.js';
import type { TrainingPair } from '../../catalog/types.js';
import { gather } from '../../encoder/math/matrix.js';
import type { PairTable } from '../../evaluation/pair-table.js';

/** Reads the features and classes of pairs. A pair with an item that was deleted meanwhile is left out. */
export async function readPairTable(
  catalog: Catalog,
  pairs: readonly TrainingPair[],
  extractors: { readonly image: string; readonly text: string },
): Promise<PairTable> {
  const classIds = [...new Set(pairs.flatMap((pair) => pair.classIds.slice(0, 1)))];
  const [images, texts, classes] = await Promise.all([
    catalog.vectors.featuresFor([...new Set(pairs.map((pair) => pair.imageId))], extractors.image),
    catalog.vectors.featuresFor([...new Set(pairs.map((pair) => pair.textId))], extractors.text),
    catalog.classes.byIds(classIds),
  ]);
  const complete = pairs.filter((pair) => images.has(pair.imageId) && texts.has(pair.textId));
  const classById = new Map(classes.map((row) => [row.id, row]));
  return {
    pairs: complete,
    image: gather(complete.map((pair) => images.get(pair.imageId))),
    text: gather(complete.map((pair) => texts.get(pair.textId))),
    classOf: complete.map((pair) => classById.get(pair.classIds[0] ?? '') ?? null),
  };
}
