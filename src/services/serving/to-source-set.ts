import { setImmediate } from 'node:timers/promises';
import type { Matrix, RowFileRef } from '../../domain/matrix.js';
import { gather } from '../../encoder/math/matrix.js';
import { chooseClassEmbeddings, namesAreUsable } from '../../encoder/training/class-embeddings.js';
import { STATISTICS_ROWS, sampledRows } from '../../encoder/training/scale.js';
import type { SourceSet } from '../../encoder/types.js';
import type { PairClass } from '../../evaluation/pair-table.js';
import { openRowFile } from '../../platform/row-file.js';
import { type ClassPrototypes, classText } from './class-prototypes.js';
import type { ReadsFeatures } from './extractors-in-use.js';

/** Training pairs whose features are in files: row i of both files belongs to pair i. */
export interface StoredPairs {
  readonly image: RowFileRef;
  readonly text: RowFileRef;
  /** Classes that the labels name; some may have no pair. */
  readonly classes: readonly PairClass[];
  /** [N]: index into `classes`, −1 for a pair without a class. */
  readonly labels: Int32Array;
  /** [N]: see SourceSet. */
  readonly groups: Int32Array;
}

/**
 * The training set that pairs with features make, with a class embedding for each class, by the text extractor of the encoder.
 *
 * @throws CommonspaceError BAD_ROWS if a file of features is incomplete
 */
export async function toSourceSet(
  { image, text, groups, ...pairs }: StoredPairs,
  prototypes: Pick<ClassPrototypes, 'ensureFeatures'>,
  encoder: ReadsFeatures | null,
): Promise<SourceSet<RowFileRef> & { readonly classes: readonly PairClass[] }> {
  const { classes, labels } = presentClasses(pairs);
  const features = await prototypes.ensureFeatures(classes, encoder);
  const names = {
    classTexts: classes.map(classText),
    nameFeatures: gather(classes.map((row) => features.get(row.id))),
  };
  const texts = namesAreUsable(names) ? NO_TEXTS : await textsOf(text, labels);
  const { embeddings, kind } = chooseClassEmbeddings({ ...names, ...texts });
  return {
    image,
    text,
    labels,
    classNames: classes.map((row) => row.name),
    classEmbeddings: embeddings,
    classEmbeddingKind: kind,
    groups,
    classes,
  };
}

/** The classes that have pairs, ascending by name, and the labels by them. */
function presentClasses({ classes, labels }: Pick<StoredPairs, 'classes' | 'labels'>) {
  const found = [...new Set(labels)].flatMap((label) => classes[label] ?? []);
  const present = found.sort((a, b) => (a.name < b.name ? -1 : 1));
  const index = new Map(present.map(({ id }, i) => [id, i]));
  return { classes: present, labels: labels.map((label) => index.get(classes[label]?.id ?? '') ?? -1) };
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

/** The texts that class means are made of; many are sampled. */
async function textsOf(text: RowFileRef, labels: Int32Array): Promise<LabelledTexts> {
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
