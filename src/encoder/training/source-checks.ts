import { CommonspaceError } from '../../domain/errors.js';
import type { SourceSet } from '../types.js';

/** Fewer pairs than this teach nothing. */
export const LEAST_PAIRS = 8;

/** Throws NO_PAIRS or BAD_INPUT if this source set cannot be trained on, naming the row at fault. */
export function checkSource(source: SourceSet): void {
  const { image, text, labels, classNames, classEmbeddings } = source;
  if (image.rows !== text.rows || image.rows !== labels.length) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `a source set has ${image.rows} image rows, ${text.rows} text rows and ${labels.length} labels`,
    );
  }
  if (image.rows < LEAST_PAIRS) {
    throw new CommonspaceError(
      'NO_PAIRS',
      `training needs at least ${LEAST_PAIRS} pairs, and there are ${image.rows}`,
    );
  }
  for (const [name, matrix] of Object.entries({ image, text, classEmbeddings })) {
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
  const classes = Math.max(classNames.length, classEmbeddings.rows);
  const at = labels.findIndex((label) => label < -1 || label >= classes);
  if (at >= 0) throw new CommonspaceError('BAD_INPUT', `row ${at} has class ${labels[at]} of ${classes}`);
  if (classEmbeddings.rows > 0 && classEmbeddings.rows !== classNames.length) {
    throw new CommonspaceError(
      'BAD_INPUT',
      `there are ${classNames.length} class names and ${classEmbeddings.rows} class embeddings`,
    );
  }
}
