/** Prepares a training set before the first step: normalised features, reduced class embeddings, the validation split. */
import type { Modality } from '../../domain/modality.js';
import type { Normalisation } from '../inference/normalise.js';
import { gather, type Matrix, type Rows, selectRows, takeRows } from '../math/matrix.js';
import { createRandom, shuffle } from '../math/random.js';
import type { ClassEmbeddingKind, TrainOptions } from '../types.js';
import { fitNormalisation, normalise, normalisedBlocks } from './fit-normalisation.js';
import type { PreparedTexts } from './further-texts.js';
import { groupsOf, takeGroups } from './groups.js';
import { VALIDATION_PAIRS } from './scale.js';
import { fitSharedNormalisation } from './shared-normalisation.js';
import { LEAST_PAIRS } from './source-checks.js';
import type { OpenSource, ScratchRows } from './stored-source.js';

/** With fewer validation pairs, all pairs are trained on: the figure would be too noisy. */
export const LEAST_VALIDATION_PAIRS = 10;
/** Upper limit of the principal components of the class embeddings that the decoders get. The value is ours. */
const CLASS_COMPONENTS = 64;

/** Normalised pairs. */
export interface PreparedPairs {
  /** [n, components] */
  readonly image: Rows;
  readonly text: Rows;
  /** [n]; −1 for none. */
  readonly labels: Int32Array;
  /** [n]; pairs with equal numbers describe the same thing. */
  readonly groups: Int32Array;
  /** Null where the options train on captions only. */
  readonly further: PreparedTexts | null;
}

/** Pairs to measure on, in memory. */
export interface HeldPairs extends PreparedPairs {
  readonly image: Matrix;
  readonly text: Matrix;
}

/** A prepared training set. */
export interface PreparedSource {
  readonly normalisation: Readonly<Record<Modality, Normalisation>>;
  readonly pairs: PreparedPairs;
  /** Number of classes; 0 where the class terms are off. */
  readonly classes: number;
  /** [classes + 1, width]: the last row is the mean, for pairs without a class. Null where there are no classes. */
  readonly classEmbeddings: Matrix | null;
  readonly classEmbeddingKind: ClassEmbeddingKind | null;
  readonly notes: readonly string[];
}

/** A prepared training set with some pairs held out for validation. */
export interface SplitSource extends Pick<PreparedSource, 'classes' | 'classEmbeddings'> {
  readonly training: PreparedPairs;
  /** Null if no pair is held out. */
  readonly validation: HeldPairs | null;
}

/**
 * Draws a share of the pairs for validation, whole groups of them and at most `VALIDATION_PAIRS`. It draws none if fewer than `LEAST_VALIDATION_PAIRS` would be
 * held out, or fewer than `LEAST_PAIRS` would be left.
 *
 * @param groups [pairs]
 * @returns row indices, ascending
 */
export function splitPairs(
  groups: Int32Array,
  share: number,
  seed: number,
): { readonly training: Int32Array; readonly validation: Int32Array } {
  const rows = Int32Array.from(groups.keys());
  const order = shuffle(rows.slice(), createRandom(seed, 1));
  const held = takeGroups(groups, order, Math.min(VALIDATION_PAIRS, Math.round(rows.length * share)));
  const isHeld = (row: number) => held.has(groups[row] as number);
  const validation = rows.filter(isHeld);
  const training = rows.filter((row) => !isHeld(row));
  const enough = validation.length >= LEAST_VALIDATION_PAIRS && training.length >= LEAST_PAIRS;
  return enough ? { training, validation } : { training: rows, validation: new Int32Array() };
}

const KIND_NOTES: Readonly<Record<ClassEmbeddingKind, string | null>> = {
  name: null,
  'text-mean':
    'Each class embedding is the mean feature of the texts of its class: there are no usable features of the class names.',
  'one-hot':
    'The class embeddings are one-hot: neither the names nor the texts of the classes give features that differ.',
};

/**
 * Fits the normalisation on all pairs and applies it. Normalisation uses neither the classes nor the pairing, so held-out
 * pairs may take part.
 *
 * @param scratch where the normalised rows are kept; null: in memory
 * @param fitted the normalisation of the encoder that the training continues; null: it is fitted
 */
export function prepareSource(
  source: OpenSource,
  options: TrainOptions,
  scratch: ScratchRows | null = null,
  fitted: PreparedSource['normalisation'] | null = null,
): PreparedSource {
  const { image, text } = source;
  const wantsFurther = options.shortTexts + options.titleTexts > 0;
  const further = wantsFurther ? (source.furtherTexts ?? null) : null;
  const normalisation =
    fitted ??
    (source.sharedSpace === true
      ? fitSharedNormalisation(image, text, options.seed)
      : { IMAGE: fitNormalisation(image, options), TEXT: fitNormalisation(text, options) });
  const components = (modality: Modality, features: Rows): Rows => {
    if (scratch === null) return normalise(normalisation[modality], features);
    const width = normalisation[modality].basis.columns;
    return scratch.write(
      `${modality}.components`,
      width,
      normalisedBlocks(normalisation[modality], features),
    );
  };
  const notes: string[] = [];
  const classes = new Set(source.labels.filter((label) => label >= 0));
  const unlabelled = source.labels.filter((label) => label < 0).length;
  // With a single class there is nothing to distinguish: its terms would only pull all pairs together.
  if (wantsFurther && further === null)
    notes.push('Only the features of the texts are known: shortTexts and titleTexts had no effect.');
  const noClass = classes.size < 2;
  const labels = noClass ? source.labels.map(() => -1) : source.labels;
  if (classes.size === 0) {
    notes.push('No pair has a class: the class terms were off.');
  } else if (noClass) {
    notes.push('There is one class only: the class terms were off.');
  } else if (unlabelled > 0) {
    notes.push(`${unlabelled} of ${labels.length} pairs have no class: the class terms ignored them.`);
  }
  const classEmbeddings = noClass ? null : reduceClassEmbeddings(source, options.seed);
  const classEmbeddingKind = classEmbeddings && (source.classEmbeddingKind ?? 'name');
  if (classEmbeddingKind !== null && KIND_NOTES[classEmbeddingKind] !== null)
    notes.push(KIND_NOTES[classEmbeddingKind]);
  return {
    normalisation,
    pairs: {
      image: components('IMAGE', image),
      text: components('TEXT', text),
      labels,
      groups: groupsOf(source),
      further: further && {
        text: normalise(normalisation.TEXT, further.features),
        short: further.short,
        titles: further.titles,
      },
    },
    classes: noClass ? 0 : Math.max(source.classNames.length, source.classEmbeddings.rows),
    classEmbeddings,
    classEmbeddingKind,
    notes,
  };
}

/** Selects the rows of a split, as `splitPairs` returns it. */
export function holdOut(
  { pairs, classes, classEmbeddings }: Pick<PreparedSource, 'pairs' | 'classes' | 'classEmbeddings'>,
  { training, validation }: { readonly training: Int32Array; readonly validation: Int32Array },
): SplitSource {
  const take = (rows: Int32Array) => ({
    labels: rows.map((row) => pairs.labels[row] as number),
    groups: rows.map((row) => pairs.groups[row] as number),
    further: pairs.further && {
      text: pairs.further.text,
      short: Array.from(rows, (row) => pairs.further?.short[row] ?? []),
      titles: Array.from(rows, (row) => pairs.further?.titles[row] ?? []),
    },
  });
  const select = (rows: Int32Array): PreparedPairs => ({
    ...take(rows),
    image: selectRows(pairs.image, rows),
    text: selectRows(pairs.text, rows),
  });
  const held = (): HeldPairs => ({
    ...take(validation),
    image: takeRows(pairs.image, validation),
    text: takeRows(pairs.text, validation),
  });
  return {
    training: training.length === pairs.labels.length ? pairs : select(training),
    validation: validation.length > 0 ? held() : null,
    classes,
    classEmbeddings,
  };
}

function reduceClassEmbeddings({ classEmbeddings, classNames }: OpenSource, seed: number): Matrix | null {
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
  // The embeddings are centred, so their mean, the row for pairs without a class, is 0.
  return gather([...rows, new Float32Array(reduced.columns)], reduced.columns);
}
