import { setImmediate } from 'node:timers/promises';
import { isMatrix, type Matrix, type RowFileRef } from '../../domain/matrix.js';
import { gather } from '../../encoder/math/matrix.js';
import { chooseClassEmbeddings, namesAreUsable } from '../../encoder/training/class-embeddings.js';
import { STATISTICS_ROWS, sampledRows } from '../../encoder/training/scale.js';
import type { SourceSet } from '../../encoder/types.js';
import { type PairClass, type PairList, uniqueClasses } from '../../evaluation/pair-table.js';
import { groupsOfTable } from '../../evaluation/sibling-groups.js';
import { openRowFile } from '../../platform/row-file.js';
import { type ClassPrototypes, classText } from './class-prototypes.js';
import type { ReadsFeatures } from './extractors-in-use.js';

/**
 * The training set that pairs with features make, with a class embedding for each class, by the text extractor of the encoder.
 *
 * @throws CommonspaceError BAD_ROWS if a file of features is incomplete
 */
export async function toSourceSet<Features extends Matrix | RowFileRef>(
  table: PairList & { readonly image: Features; readonly text: Features },
  classes: Pick<ClassPrototypes, 'ensureFeatures'>,
  encoder: ReadsFeatures | null,
): Promise<SourceSet<Features> & { readonly classes: readonly PairClass[] }> {
  const rows = uniqueClasses(table);
  const features = await classes.ensureFeatures(rows, encoder);
  const index = new Map(rows.map((row, i) => [row.id, i]));
  const labels = Int32Array.from(table.classOf, (row) => (row === null ? -1 : (index.get(row.id) ?? -1)));
  const names = {
    classTexts: rows.map(classText),
    nameFeatures: gather(rows.map((row) => features.get(row.id))),
  };
  const texts = namesAreUsable(names) ? NO_TEXTS : await textsOf(table.text, labels);
  const { embeddings, kind } = chooseClassEmbeddings({ ...names, ...texts });
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

interface LabelledTexts {
  readonly text: Matrix;
  readonly labels: Int32Array;
}

const NO_TEXTS: LabelledTexts = {
  text: { data: new Float32Array(), rows: 0, columns: 0 },
  labels: new Int32Array(),
};
const READ_AT_ONCE = 256;

/** The texts that class means are made of: all in memory, or those of a file, of which many are sampled. */
async function textsOf(text: Matrix | RowFileRef, labels: Int32Array): Promise<LabelledTexts> {
  if (isMatrix(text)) return { text, labels };
  const file = openRowFile(text.file);
  try {
    const rows = sampledRows(file.rows, STATISTICS_ROWS);
    const data = new Float32Array(rows.length * file.columns);
    for (let start = 0; start < rows.length; start += READ_AT_ONCE) {
      data.set(file.read(rows.subarray(start, start + READ_AT_ONCE)).data, start * file.columns);
      await setImmediate();
    }
    return {
      text: { data, rows: rows.length, columns: file.columns },
      labels: rows.map((row) => labels[row] as number),
    };
  } finally {
    file.close();
  }
}
