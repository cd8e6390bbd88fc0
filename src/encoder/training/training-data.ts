/** What the trainer makes of a source set before the first step: normalised features, class embeddings, the validation split. */

import type { Modality } from '../../domain/modality.js';
import type { Normalisation } from '../inference/normalise.js';
import { gather, type Matrix, takeRows } from '../math/matrix.js';
import { createRandom, shuffle } from '../math/random.js';
import type { ClassEmbeddingKind, SourceSet, TrainOptions } from '../types.js';
import { fitNormalisation, normalise } from './fit-normalisation.js';
import { LEAST_PAIRS } from './source-checks.js';

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
  readonly normalisation: Readonly<Record<Modality, Normalisation>>;
  readonly pairs: PreparedPairs;
  readonly classes: number;
  /** [classes + 1, width]; the last row is the mean, for pairs without a class. Null where there is none. */
  readonly classEmbeddings: Matrix | null;
  readonly classEmbeddingKind: ClassEmbeddingKind | null;
  readonly notes: readonly string[];
}

/** A prepared source with some of its pairs held out for early stopping. */
export interface SplitSource extends Pick<PreparedSource, 'classes' | 'classEmbeddings'> {
  readonly training: PreparedPairs;
  /** Null where no pair is held out. */
  readonly validation: PreparedPairs | null;
}

/**
 * Which pairs are held out: a share of them, drawn by the seed; none where there are too few to say anything.
 *
 * @returns row numbers, ascending
 */
export function splitPairs(
  pairs: number,
  share: number,
  seed: number,
): { readonly training: Int32Array; readonly validation: Int32Array } {
  const order = shuffle(
    Int32Array.from({ length: pairs }, (_, i) => i),
    createRandom(seed, 1),
  );
  const wanted = Math.round(pairs * share);
  const held = wanted >= LEAST_VALIDATION_PAIRS && pairs - wanted >= LEAST_PAIRS ? wanted : 0;
  return { validation: order.slice(0, held).sort(), training: order.slice(held).sort() };
}

const KIND_NOTES: Readonly<Record<ClassEmbeddingKind, string | null>> = {
  name: null,
  'text-mean':
    "A class's class embedding is the mean of its texts' features: there are no usable features of the classes' names.",
  'one-hot':
    'The class embeddings are one-hot: neither the names nor the texts of the classes give features that tell them apart.',
};

/** Fits the normalisation on all pairs of the source set (it knows neither classes nor which text is whose) and applies it. */
export function prepareSource(source: SourceSet, options: TrainOptions): PreparedSource {
  const { image, text } = source;
  const normalisation = { IMAGE: fitNormalisation(image, options), TEXT: fitNormalisation(text, options) };
  const notes: string[] = [];
  const classes = new Set(source.labels.filter((label) => label >= 0));
  const unlabelled = source.labels.filter((label) => label < 0).length;
  // One class tells nothing from anything, and its terms would only draw all pairs together.
  const noClass = classes.size < 2;
  const labels = noClass ? source.labels.map(() => -1) : source.labels;
  if (classes.size === 0) {
    notes.push('No pair has a class: the class terms were off.');
  } else if (noClass) {
    notes.push('There is one class only: the class terms were off.');
  } else if (unlabelled > 0) {
    notes.push(`${unlabelled} of ${labels.length} pairs have no class: the class terms passed them over.`);
  }
  const classEmbeddings = noClass ? null : reduceClassEmbeddings(source, options.seed);
  const classEmbeddingKind = classEmbeddings && (source.classEmbeddingKind ?? 'name');
  if (classEmbeddingKind !== null && KIND_NOTES[classEmbeddingKind] !== null)
    notes.push(KIND_NOTES[classEmbeddingKind]);
  return {
    normalisation,
    pairs: {
      image: normalise(normalisation.IMAGE, image),
      text: normalise(normalisation.TEXT, text),
      labels,
    },
    classes: noClass ? 0 : Math.max(source.classNames.length, source.classEmbeddings.rows),
    classEmbeddings,
    classEmbeddingKind,
    notes,
  };
}

/** The same pairs, some of them held out. */
export function holdOut(
  { pairs, classes, classEmbeddings }: PreparedSource,
  { training, validation }: { readonly training: Int32Array; readonly validation: Int32Array },
): SplitSource {
  const take = (rows: Int32Array): PreparedPairs => ({
    image: takeRows(pairs.image, rows),
    text: takeRows(pairs.text, rows),
    labels: rows.map((row) => pairs.labels[row] as number),
  });
  return {
    training: take(training),
    validation: validation.length > 0 ? take(validation) : null,
    classes,
    classEmbeddings,
  };
}

function reduceClassEmbeddings({ classEmbeddings, classNames }: SourceSet, seed: number): Matrix | null {
  if (classEmbeddings.rows === 0 || classEmbeddings.columns === 0) return null;
  const reduced =
    classEmbeddings.rows < 2
      ? gather([new Float32Array(1)])
      : normalise(
          fitNormalisation(classEmbeddings, { clip: 1e6, components: CLASS_COMPONENTS, scaling: 0, seed }),
          classEmbeddings,
        );
  const rows = Array.from(classNames, (_, i) =>
    reduced.data.slice(i * reduced.columns, (i + 1) * reduced.columns),
  );
  // Centred on the classes' mean, which is therefore 0: the row of the pairs without a class.
  return gather([...rows, new Float32Array(reduced.columns)], reduced.columns);
}
