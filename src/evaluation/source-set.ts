import type { Catalog } from '../catalog/catalog.js';
import type { ClassRow, TrainingPair } from '../catalog/types.js';
import { gather, type Matrix, rowOf } from '../encoder/math/matrix.js';
import { chooseClassEmbeddings } from '../encoder/training/class-embeddings.js';
import type { SourceSet } from '../encoder/types.js';
import { type ClassPrototypes, classText } from '../services/serving/class-prototypes.js';

/** Pairs of the catalogue with everything that training and evaluation need of them. */
export interface PairTable {
  readonly pairs: readonly TrainingPair[];
  /** [N, dv], row i the image of pair i. */
  readonly image: Matrix;
  /** [N, dt] */
  readonly text: Matrix;
  /** Class of each pair, null where it has none; the first by name where it has several. */
  readonly classOf: readonly (ClassRow | null)[];
}

/** Reads the features of pairs into matrices, pair by pair. */
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
  // An item deleted meanwhile has no feature, and its pair is no pair any more.
  const whole = pairs.filter((pair) => images.has(pair.imageId) && texts.has(pair.textId));
  const classById = new Map(classes.map((row) => [row.id, row]));
  return {
    pairs: whole,
    image: gather(whole.map((pair) => images.get(pair.imageId))),
    text: gather(whole.map((pair) => texts.get(pair.textId))),
    classOf: whole.map((pair) => classById.get(pair.classIds[0] ?? '') ?? null),
  };
}

/** The rows of a table that a test picks. */
export function selectRows(table: PairTable, keep: (row: number) => boolean): PairTable {
  const rows = table.pairs.map((_, row) => row).filter(keep);
  return {
    pairs: rows.flatMap((row) => table.pairs[row] ?? []),
    image: gather(rows.map((row) => rowOf(table.image, row))),
    text: gather(rows.map((row) => rowOf(table.text, row))),
    classOf: rows.map((row) => table.classOf[row] ?? null),
  };
}

/** A table as the encoder learns from it, with a class embedding for each class that occurs. */
export async function toSourceSet(
  table: PairTable,
  classes: ClassPrototypes,
): Promise<SourceSet & { readonly classes: readonly ClassRow[] }> {
  const rows = uniqueClasses(table);
  const features = await classes.ensureFeatures(rows);
  const index = new Map(rows.map((row, i) => [row.id, i]));
  const labels = Int32Array.from(table.classOf, (row) => (row === null ? -1 : (index.get(row.id) ?? -1)));
  const { embeddings, kind } = chooseClassEmbeddings({
    classTexts: rows.map(classText),
    nameFeatures: gather(rows.map((row) => features.get(row.id))),
    text: table.text,
    labels,
  });
  return {
    image: table.image,
    text: table.text,
    labels,
    classNames: rows.map((row) => row.name),
    classEmbeddings: embeddings,
    classEmbeddingKind: kind,
    classes: rows,
  };
}

/** The classes that occur, by name. */
export function uniqueClasses(table: PairTable): ClassRow[] {
  const byId = new Map(table.classOf.flatMap((row) => (row === null ? [] : [[row.id, row] as const])));
  return [...byId.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
