/**
 * The semantic matching baseline (Rasiwasia et al. 2010). It uses classes only. Each modality has a multinomial logistic
 * regression, and an item is represented by the vector of its class probabilities. Two vectors are compared by their cosine or
 * by their inner product. The inner product is the probability that both items have the same class, if the errors of both
 * regressions are independent.
 */
import type { Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { createNormaliser } from '../inference/normalise.js';
import { gather, type Matrix, type Rows, rowOf, takeRows } from '../math/matrix.js';
import { splitClasses } from '../training/class-split.js';
import { resolveTrainOptions } from '../training/presets.js';
import { atMost, FITTED_ROWS, sampledRows, sampleOf } from '../training/scale.js';
import { checkSource } from '../training/source-checks.js';
import { type OpenSource, ScratchRows } from '../training/stored-source.js';
import {
  type HeldPairs,
  holdOut,
  type PreparedPairs,
  prepareSource,
  splitPairs,
} from '../training/training-data.js';
import { validationFigure } from '../training/validation-figure.js';
import type { Encoder } from '../types.js';
import {
  fitLogisticRegression,
  type LogisticOptions,
  type LogisticRegression,
  posterior,
} from './logistic-regression.js';

export interface SemanticMatchingOptions {
  readonly seed: number;
  /** Share of the pairs, or of the classes, held out to choose the penalties and the similarity on. */
  readonly validation: number;
  /** What is held out: pairs, or whole classes. Use `classes` for retrieval of unseen classes. */
  readonly validationBy: 'pairs' | 'classes';
}

/** How two probability vectors are compared. */
type PosteriorSimilarity = 'cosine' | 'inner-product';

export interface TrainedSemanticMatching {
  /** Its embeddings have unit norm, and their cosine is the chosen similarity. */
  readonly encoder: Encoder;
  readonly similarity: PosteriorSimilarity;
  /** The L2 penalty of each regression. */
  readonly l2: Readonly<Record<Modality, number>>;
  /** MAP@all of the choice on the validation pairs; null where there are too few pairs to hold any out. */
  readonly validation: number | null;
  readonly seconds: number;
}

/** Strongest first, because each fit starts from the previous one. */
const PENALTIES = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001] as const;
const SIMILARITIES = ['cosine', 'inner-product'] as const satisfies readonly PosteriorSimilarity[];
/** Rows that each regression is fitted on for the choice: there are two for each penalty and fold. */
const CHOICE_ROWS = 4_000;
/** Used where there are too few pairs for a choice. */
const DEFAULT_CHOICE = {
  l2: { IMAGE: 0.03, TEXT: 0.03 },
  similarity: 'inner-product',
  validation: null,
} as const;

/**
 * Trains both regressions on normalised features. Penalties and similarity are chosen by MAP@all on held-out pairs or classes;
 * then both are fitted on all pairs. Items of unseen classes are compared by their probabilities of the seen classes.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT
 */
export async function trainSemanticMatching(
  source: OpenSource,
  input: Partial<SemanticMatchingOptions> = {},
): Promise<TrainedSemanticMatching> {
  const { seed = 0, validationBy = 'pairs' } = input;
  const { validation: share = validationBy === 'pairs' ? 0.2 : 0.4 } = input;
  const options = resolveTrainOptions({ preset: 'paper', seed, validation: share });
  checkSource(source);
  await loadTensorBackend();
  const started = performance.now();
  const classes = source.classNames.length;
  const prepared = prepareSource(source, options, ScratchRows.beside(source, `sm-${validationBy}`));
  const splits =
    validationBy === 'classes'
      ? splitClasses(prepared.pairs, share, seed)
      : [splitPairs(prepared.pairs.groups, share, seed)];
  const folds = splits.flatMap((split): Fold[] => {
    const { training, validation } = holdOut(prepared, split);
    return validation === null ? [] : [{ training, validation }];
  });
  const choice = folds.length === 0 ? DEFAULT_CHOICE : choose(folds, classes);
  const { l2, similarity } = choice;

  const { pairs, normalisation } = prepared;
  const normalise = {
    IMAGE: createNormaliser(normalisation.IMAGE),
    TEXT: createNormaliser(normalisation.TEXT),
  };
  const regressions = {
    IMAGE: fitOnSample(pairs.image, pairs.labels, { classes, l2: l2.IMAGE }),
    TEXT: fitOnSample(pairs.text, pairs.labels, { classes, l2: l2.TEXT }),
  };
  const embed = (modality: Modality, feature: Float32Array) =>
    embedding(posterior(regressions[modality], normalise[modality](feature)), modality, similarity);
  return {
    encoder: {
      dimension: widthOf(classes, similarity),
      featureDimension: { IMAGE: source.image.columns, TEXT: source.text.columns },
      embed,
      embedName: (feature) => embed('TEXT', feature),
      embedMany: (modality, { data, rows, columns }) => {
        const one = (_: unknown, row: number) =>
          embed(modality, data.subarray(row * columns, (row + 1) * columns));
        return gather(Array.from({ length: rows }, one), widthOf(classes, similarity));
      },
    },
    ...choice,
    seconds: (performance.now() - started) / 1000,
  };
}

type Choice = Pick<TrainedSemanticMatching, 'l2' | 'similarity' | 'validation'>;

interface Fold {
  readonly training: PreparedPairs;
  readonly validation: HeldPairs;
}

/** The penalties and the similarity with the best mean figure over the folds. */
function choose(folds: readonly Fold[], classes: number): Choice {
  const fitted = folds.map(({ training, validation }) => ({
    validation,
    images: posteriorsByPenalty(training.image, validation.image, training.labels, classes),
    texts: posteriorsByPenalty(training.text, validation.text, training.labels, classes),
  }));
  let best: Choice & { readonly validation: number } = { ...DEFAULT_CHOICE, validation: -1 };
  for (const similarity of SIMILARITIES) {
    const embedded = (posteriors: readonly Float64Array[], modality: Modality) =>
      gather(posteriors.map((probabilities) => embedding(probabilities, modality, similarity))).data;
    const sides = fitted.map(({ validation, images, texts }) => ({
      validation,
      images: images.map((posteriors) => embedded(posteriors, 'IMAGE')),
      texts: texts.map((posteriors) => embedded(posteriors, 'TEXT')),
    }));
    /** Of the penalties with these indices. */
    const consider = (image: number, text: number): number => {
      const figures = sides.map(({ validation, images, texts }) =>
        validationFigure(
          validation,
          images[image] as Float32Array,
          texts[text] as Float32Array,
          widthOf(classes, similarity),
        ),
      );
      const figure = figures.reduce((sum, one) => sum + one, 0) / figures.length;
      if (figure > best.validation) {
        const l2 = { IMAGE: PENALTIES[image] as number, TEXT: PENALTIES[text] as number };
        best = { l2, similarity, validation: figure };
      }
      return figure;
    };
    // First the image penalty, then the text penalty: the best value of one hardly depends on the other.
    const indices = [...PENALTIES.keys()];
    const [bestImage = 0] = indices
      .map((image) => ({ image, figure: consider(image, PENALTIES.length >> 1) }))
      .sort((a, b) => b.figure - a.figure)
      .map(({ image }) => image);
    for (const text of indices) consider(bestImage, text);
  }
  return best;
}

/** Of many rows, `FITTED_ROWS` are used. */
function fitOnSample(rows: Rows, labels: Int32Array, options: LogisticOptions): LogisticRegression {
  const sample = sampledRows(rows.rows, FITTED_ROWS);
  const own = sample.map((row) => labels[row] as number);
  return fitLogisticRegression(sampleOf(rows, FITTED_ROWS), own, options);
}

/** The posteriors of the held-out rows for each penalty, in the order of PENALTIES. */
function posteriorsByPenalty(rows: Rows, held: Matrix, labels: Int32Array, classes: number) {
  const chosen = atMost(Int32Array.from(labels.keys()), CHOICE_ROWS);
  const [sample, own] = [takeRows(rows, chosen), chosen.map((row) => labels[row] as number)];
  let start: LogisticRegression | undefined;
  return PENALTIES.map((l2) => {
    const regression = fitLogisticRegression(sample, own, { classes, l2, ...(start && { start }) });
    start = regression;
    return Array.from({ length: held.rows }, (_, row) => posterior(regression, rowOf(held, row)));
  });
}

/**
 * The embedding of a probability vector, of unit norm. For the inner product, each modality has an extra coordinate that fills
 * the norm up to 1 and is 0 in the other modality. So the cosine is the inner product of the probabilities.
 */
function embedding(
  probabilities: Float64Array,
  modality: Modality,
  similarity: PosteriorSimilarity,
): Float32Array {
  if (similarity === 'cosine') return unit(Float32Array.from(probabilities));
  const rest = Math.sqrt(Math.max(0, 1 - probabilities.reduce((sum, p) => sum + p * p, 0)));
  return Float32Array.from([...probabilities, ...(modality === 'IMAGE' ? [rest, 0] : [0, rest])]);
}

function widthOf(classes: number, similarity: PosteriorSimilarity): number {
  return similarity === 'cosine' ? classes : classes + 2;
}
