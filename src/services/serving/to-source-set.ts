import { gather } from '../../encoder/math/matrix.js';
import { chooseClassEmbeddings } from '../../encoder/training/class-embeddings.js';
import type { SourceSet } from '../../encoder/types.js';
import { type PairClass, type PairTable, uniqueClasses } from '../../evaluation/pair-table.js';
import { groupsOfTable } from '../../evaluation/sibling-groups.js';
import { type ClassPrototypes, classText } from './class-prototypes.js';
import type { ReadsFeatures } from './extractors-in-use.js';

/** The training set that a table of pairs makes, with a class embedding for each class, by the text extractor of the encoder. */
export async function toSourceSet(
  table: PairTable,
  classes: Pick<ClassPrototypes, 'ensureFeatures'>,
  encoder: ReadsFeatures | null,
): Promise<SourceSet & { readonly classes: readonly PairClass[] }> {
  const rows = uniqueClasses(table);
  const features = await classes.ensureFeatures(rows, encoder);
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
    groups: groupsOfTable(table),
    classes: rows,
  };
}
