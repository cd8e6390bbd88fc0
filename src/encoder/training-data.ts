/** What the trainer makes of a source set before the first step: normalised features, class embeddings, the validation split. */
import { CommonspaceError } from '../domain/errors.js';
import { fromRows, takeRows } from './matrix.js';
import { fitNormalisation, type Normalisation, normalise } from './normalisation.js';
import { createRandom, shuffle } from './random.js';
import type { Matrix, SourceSet, TrainOptions } from './types.js';

/** Fewer pairs than this teach nothing. */
export const LEAST_PAIRS = 8;
/** Fewer validation pairs than this say nothing, and are better trained on. */
export const LEAST_VALIDATION_PAIRS = 10;
/** Class embeddings are reduced to at most this many principal components before the decoders take them. Ours. */
const CLASS_COMPONENTS = 64;

/** Pairs ready to train on or to be measured on. */
export interface PreparedPairs {
  /** [n, components], normalised. */
  readonly image: Matrix;
  readonly text: Matrix;
  /** [n]; −1 for none. */
  readonly labels: Int32Array;
}

export interface PreparedSource {
  readonly normalisation: Readonly<Record<'IMAGE' | 'TEXT', Normalisation>>;
  readonly training: PreparedPairs;
  /** Null where no pair is held out. */
  readonly validation: PreparedPairs | null;
  readonly classes: number;
  /** [classes + 1, width]; the last row is the mean, for pairs without a class. Null where there is none. */
  readonly classEmbeddings: Matrix | null;
  readonly notes: readonly string[];
}

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

/**
 * @param share of the pairs that are held out; drawn by the seed
 * @returns row numbers, ascending
 */
export function splitPairs(
  pairs: number,
  share: number,
  seed: number,
): { training: Int32Array; validation: Int32Array } {
  const order = shuffle(
    Int32Array.from({ length: pairs }, (_, i) => i),
    createRandom(seed, 1),
  );
  const wanted = Math.round(pairs * share);
  const held = wanted >= LEAST_VALIDATION_PAIRS && pairs - wanted >= LEAST_PAIRS ? wanted : 0;
  return { validation: order.slice(0, held).sort(), training: order.slice(held).sort() };
}

/** Normalisation is fitted on the training rows alone. */
export function prepareSource(
  source: SourceSet,
  options: TrainOptions,
  heldOut: Int32Array | null,
): PreparedSource {
  const { image, text, labels } = source;
  const held = new Set(heldOut ?? []);
  const rows = Int32Array.from({ length: labels.length }, (_, i) => i).filter((i) => !held.has(i));
  const fitted = (matrix: Matrix) => fitNormalisation(takeRows(matrix, rows), options);
  const normalisation = { IMAGE: fitted(image), TEXT: fitted(text) };
  const pairs = (which: Int32Array): PreparedPairs => ({
    image: normalise(normalisation.IMAGE, takeRows(image, which)),
    text: normalise(normalisation.TEXT, takeRows(text, which)),
    labels: Int32Array.from(which, (row) => labels[row] as number),
  });

  const notes: string[] = [];
  const unlabelled = labels.filter((label) => label < 0).length;
  const noClass = unlabelled === labels.length;
  if (noClass) {
    notes.push('No pair has a class: the class terms were off.');
  } else if (unlabelled > 0) {
    notes.push(`${unlabelled} of ${labels.length} pairs have no class: the class terms passed them over.`);
  }
  return {
    normalisation,
    training: pairs(rows),
    validation: heldOut && heldOut.length > 0 ? pairs(heldOut) : null,
    classes: noClass ? 0 : Math.max(source.classNames.length, source.classEmbeddings.rows),
    classEmbeddings: noClass ? null : reduceClassEmbeddings(source, options.seed),
    notes,
  };
}

function reduceClassEmbeddings({ classEmbeddings, classNames }: SourceSet, seed: number): Matrix | null {
  if (classEmbeddings.rows === 0 || classEmbeddings.columns === 0) return null;
  const reduced =
    classEmbeddings.rows < 2
      ? fromRows([new Float32Array(1)])
      : normalise(
          fitNormalisation(classEmbeddings, { clip: 1e6, components: CLASS_COMPONENTS, scaling: 0, seed }),
          classEmbeddings,
        );
  const rows = Array.from(classNames, (_, i) =>
    reduced.data.slice(i * reduced.columns, (i + 1) * reduced.columns),
  );
  // Centred on the classes' mean, which is therefore 0: the row of the pairs without a class.
  return fromRows([...rows, new Float32Array(reduced.columns)], reduced.columns);
}
