import { CommonspaceError } from '../../domain/errors.js';
import { isMatrix, type Matrix, type RowFileRef, type Rows } from '../../domain/matrix.js';
import { RowFile } from '../../platform/row-file.js';
import type { SourceSet } from '../types.js';

/** Training needs at least this many pairs. */
export const LEAST_PAIRS = 8;

/**
 * Checks that a training set can be trained on.
 *
 * @throws CommonspaceError NO_PAIRS if there are too few pairs; BAD_INPUT, naming the row, if shapes or labels do not match or
 *   a number is not finite; BAD_ROWS if an open file does not have the rows that were written. A file that is not open is not read
 */
export function checkSource(source: SourceSet<Rows | RowFileRef, Matrix | RowFileRef>): void {
  const { image, text, labels, classNames, classEmbeddings, furtherTexts } = source;
  if (image.rows !== text.rows || image.rows !== labels.length) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `the source set has ${image.rows} image rows, ${text.rows} text rows and ${labels.length} labels`,
    );
  }
  if (image.rows < LEAST_PAIRS) {
    throw new CommonspaceError(
      'NO_PAIRS',
      `training needs at least ${LEAST_PAIRS} pairs, but there are ${image.rows}`,
    );
  }
  const matrices = {
    image,
    text,
    classEmbeddings,
    ...(furtherTexts && { furtherTexts: furtherTexts.features }),
  };
  for (const [name, matrix] of Object.entries<Rows | RowFileRef>(matrices)) {
    if (matrix instanceof RowFile) matrix.verify(name);
    if (!isMatrix(matrix)) continue;
    if (matrix.data.length !== matrix.rows * matrix.columns) {
      throw new CommonspaceError('BAD_INPUT', `the ${name} matrix is not ${matrix.rows} × ${matrix.columns}`);
    }
    const at = matrix.data.findIndex((x) => !Number.isFinite(x));
    if (at >= 0) {
      throw new CommonspaceError(
        'BAD_INPUT',
        `row ${Math.floor(at / matrix.columns)} of ${name} has a number that is not finite`,
      );
    }
  }
  checkFurtherTexts(source);
  if (source.groups && source.groups.length !== labels.length) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `there are ${source.groups.length} groups, but ${labels.length} pairs`,
    );
  }
  const classes = Math.max(classNames.length, classEmbeddings.rows);
  const at = labels.findIndex((label) => label < -1 || label >= classes);
  if (at >= 0)
    throw new CommonspaceError(
      'BAD_INPUT',
      `row ${at} has class ${labels[at]}, but there are ${classes} classes`,
    );
  if (classEmbeddings.rows > 0 && classEmbeddings.rows !== classNames.length) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `there are ${classNames.length} class names but ${classEmbeddings.rows} class embeddings`,
    );
  }
}

function checkFurtherTexts({ text, furtherTexts }: SourceSet<Rows | RowFileRef, Matrix | RowFileRef>): void {
  if (furtherTexts == null) return;
  const { features, short, titles } = furtherTexts;
  if (features.columns !== text.columns) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `the further texts have features of ${features.columns} numbers, but the texts of ${text.columns}`,
    );
  }
  for (const [name, lists] of Object.entries({ short, titles })) {
    if (lists.length !== text.rows) {
      throw new CommonspaceError(
        'BAD_INPUT',
        `there are ${lists.length} lists of ${name}, but ${text.rows} pairs`,
      );
    }
    const at = lists.findIndex((rows) =>
      rows.some((row) => !Number.isInteger(row) || row < 0 || row >= features.rows),
    );
    if (at >= 0)
      throw new CommonspaceError(
        'BAD_INPUT',
        `row ${at} of ${name} names a further text that does not exist`,
      );
  }
}
