/** Selects the class embeddings of a training run: from names, else from texts, else one-hot. */
import { type Matrix, rowOf } from '../math/matrix.js';
import type { ClassEmbeddingKind } from '../types.js';

export interface ClassEmbeddingSource {
  /** [C]: the text of each class: its name, with its description if it has one. */
  readonly classTexts: readonly string[];
  /**
   * [C, da]: text features of `classTexts`, of the extractor that made `text`. Null where that extractor is not available, for
   * example for a folder of features: class embeddings must be in the feature space of the texts.
   */
  readonly nameFeatures: Matrix | null;
  /** [N, dt]: features of the training texts. */
  readonly text: Matrix;
  /** [N]; −1 for none. */
  readonly labels: Int32Array;
}

export interface ClassEmbeddings {
  /** [C, width] */
  readonly embeddings: Matrix;
  /** Null where there is no class. */
  readonly kind: ClassEmbeddingKind | null;
}

/**
 * The first kind of class embeddings that is available:
 *
 * 1. `name`: the features of the names, if there are any, no two are equal, and `namesHaveWords`.
 * 2. `text-mean`: the mean feature of each class's training texts; a class without texts gets the mean of the other classes.
 *    Not used if all means are equal.
 * 3. `one-hot`.
 *
 * All classes get the same kind: otherwise the kind itself would distinguish classes.
 */
export function chooseClassEmbeddings({
  classTexts,
  nameFeatures,
  text,
  labels,
}: ClassEmbeddingSource): ClassEmbeddings {
  const classes = classTexts.length;
  if (classes === 0) return { embeddings: { data: new Float32Array(), rows: 0, columns: 0 }, kind: null };
  if (nameFeatures !== null && namesAreUsable({ classTexts, nameFeatures }))
    return { embeddings: nameFeatures, kind: 'name' };
  const means = meansByClass(text, labels, classes);
  if (means !== null && (classes === 1 || !allSame(means))) return { embeddings: means, kind: 'text-mean' };
  const identity = new Float32Array(classes * classes);
  for (let c = 0; c < classes; c += 1) identity[c * classes + c] = 1;
  return { embeddings: { data: identity, rows: classes, columns: classes }, kind: 'one-hot' };
}

/** Whether the first kind is available, so that the texts are not needed. */
export function namesAreUsable({
  classTexts,
  nameFeatures,
}: Pick<ClassEmbeddingSource, 'classTexts' | 'nameFeatures'>): boolean {
  return nameFeatures?.rows === classTexts.length && namesHaveWords(classTexts) && allDiffer(nameFeatures);
}

/** Two consecutive letters, or one letter of a script whose letters are words or syllables. */
const WORD = /\p{L}{2}|\p{Lo}/u;
/** A number, with or without a generic prefix: "class 3", "label_12", "c7". */
const NUMBERED = /^(?:class|label|category|cluster|group|topic|concept|id|[a-z])?[\s_.#:-]*\d+$/iu;

/**
 * Whether names can be used for class embeddings: no two are equal, and at least half of them contain a word. Numbers, empty
 * names and numbered names ("class 3") contain none.
 */
export function namesHaveWords(names: readonly string[]): boolean {
  const trimmed = names.map((name) => name.trim());
  const words = trimmed.filter((name) => WORD.test(name) && !NUMBERED.test(name)).length;
  return new Set(trimmed).size === names.length && words * 2 >= names.length && words > 0;
}

/** [C, dt], or null if no text has a class. */
function meansByClass(text: Matrix, labels: Int32Array, classes: number): Matrix | null {
  const { columns } = text;
  const sums = new Float64Array(classes * columns);
  const counts = new Int32Array(classes);
  labels.forEach((label, row) => {
    if (label < 0 || label >= classes || row >= text.rows) return;
    counts[label] = (counts[label] as number) + 1;
    const feature = rowOf(text, row);
    for (let j = 0; j < columns; j += 1) {
      sums[label * columns + j] = (sums[label * columns + j] as number) + (feature[j] as number);
    }
  });
  const present = counts.filter((count) => count > 0).length;
  if (present === 0 || columns === 0) return null;

  const data = new Float32Array(classes * columns);
  const overall = new Float64Array(columns);
  counts.forEach((count, c) => {
    if (count === 0) return;
    for (let j = 0; j < columns; j += 1) {
      const mean = (sums[c * columns + j] as number) / count;
      data[c * columns + j] = mean;
      overall[j] = (overall[j] as number) + mean / present;
    }
  });
  counts.forEach((count, c) => {
    if (count === 0) data.set(overall, c * columns);
  });
  return { data, rows: classes, columns };
}

function allDiffer(rows: Matrix): boolean {
  return new Set(Array.from({ length: rows.rows }, (_, i) => rowOf(rows, i).join())).size === rows.rows;
}

function allSame(rows: Matrix): boolean {
  const first = rowOf(rows, 0);
  return rows.data.every((x, i) => x === first[i % rows.columns]);
}
