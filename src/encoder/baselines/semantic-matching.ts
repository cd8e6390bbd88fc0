/**
 * The baseline that knows classes alone: semantic matching (Rasiwasia et al. 2010). One multinomial logistic regression a
 * modality; an item is the vector of its classes' probabilities. Two items are compared by the cosine of theirs, or by their
 * inner product, which is the probability that both have the same class if the two regressions err independently.
 */

import type { Modality } from '../../domain/modality.js';
import { unit } from '../../domain/vectors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { createNormaliser } from '../inference/normalise.js';
import { gather, type Matrix, rowOf } from '../math/matrix.js';
import { resolveTrainOptions } from '../training/presets.js';
import { checkSource } from '../training/source-checks.js';
import { holdOut, type PreparedPairs, prepareSource, splitPairs } from '../training/training-data.js';
import { validationFigure } from '../training/validation-figure.js';
import type { Encoder, SourceSet } from '../types.js';
import { fitLogisticRegression, type LogisticRegression, posterior } from './logistic-regression.js';

export interface SemanticMatchingOptions {
  readonly seed: number;
  /** Share of the pairs on which the penalties are chosen. */
  readonly validation: number;
}

/** How two vectors of probabilities are compared. */
type PosteriorSimilarity = 'cosine' | 'inner-product';

export interface TrainedSemanticMatching {
  /** Its embeddings are of unit length; their cosine is the similarity chosen. */
  readonly encoder: Encoder;
  readonly similarity: PosteriorSimilarity;
  /** The penalty of each regression. */
  readonly l2: Readonly<Record<Modality, number>>;
  /** map@all of the choice, on the validation part; null where the pairs are too few to hold any out. */
  readonly validation: number | null;
  readonly seconds: number;
}

/** The strongest first: each fit starts from the one before. */
const PENALTIES = [0.3, 0.1, 0.03, 0.01, 0.003, 0.001] as const;
const SIMILARITIES = ['cosine', 'inner-product'] as const satisfies readonly PosteriorSimilarity[];
/** What is taken where the pairs are too few to choose on. */
const UNCHOSEN = { l2: { IMAGE: 0.03, TEXT: 0.03 }, similarity: 'inner-product', validation: null } as const;

/**
 * Both regressions on the normalised features, with penalties and similarity chosen by map@all on a validation part of
 * these pairs, then fitted on all of them.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT
 */
export async function trainSemanticMatching(
  source: SourceSet,
  { seed = 0, validation: share = 0.2 }: Partial<SemanticMatchingOptions> = {},
): Promise<TrainedSemanticMatching> {
  const options = resolveTrainOptions({ preset: 'paper', seed, validation: share });
  checkSource(source);
  await loadTensorBackend();
  const started = performance.now();
  const classes = source.classNames.length;
  const prepared = prepareSource(source, options);
  const { training, validation } = holdOut(prepared, splitPairs(source.labels.length, share, seed));
  const choice = validation === null ? UNCHOSEN : choose(training, validation, classes);
  const { l2, similarity } = choice;

  const { pairs, normalisation } = prepared;
  const normalise = {
    IMAGE: createNormaliser(normalisation.IMAGE),
    TEXT: createNormaliser(normalisation.TEXT),
  };
  const regressions = {
    IMAGE: fitLogisticRegression(pairs.image, pairs.labels, { classes, l2: l2.IMAGE }),
    TEXT: fitLogisticRegression(pairs.text, pairs.labels, { classes, l2: l2.TEXT }),
  };
  const embed = (modality: Modality, feature: Float32Array) =>
    embedding(posterior(regressions[modality], normalise[modality](feature)), modality, similarity);
  return {
    encoder: {
      dimension: widthOf(classes, similarity),
      featureDimension: { IMAGE: source.image.columns, TEXT: source.text.columns },
      embed,
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

function choose(training: PreparedPairs, validation: PreparedPairs, classes: number): Choice {
  const images = posteriorsByPenalty(training.image, validation.image, training.labels, classes);
  const texts = posteriorsByPenalty(training.text, validation.text, training.labels, classes);
  let best: Choice & { readonly validation: number } = { ...UNCHOSEN, validation: -1 };
  for (const similarity of SIMILARITIES) {
    const embedded = (posteriors: readonly Float64Array[], modality: Modality) =>
      gather(posteriors.map((probabilities) => embedding(probabilities, modality, similarity))).data;
    const imageSides = images.map(({ l2, posteriors }) => ({ l2, data: embedded(posteriors, 'IMAGE') }));
    const textSides = texts.map(({ l2, posteriors }) => ({ l2, data: embedded(posteriors, 'TEXT') }));
    // One after the other: what is best for one modality hardly depends on the other's.
    const consider = (image: (typeof imageSides)[number], text: (typeof textSides)[number]) => {
      const figure = validationFigure(validation, image.data, text.data, widthOf(classes, similarity));
      if (figure > best.validation)
        best = { l2: { IMAGE: image.l2, TEXT: text.l2 }, similarity, validation: figure };
      return figure;
    };
    const middle = textSides[PENALTIES.length >> 1] as (typeof textSides)[number];
    const [bestImage] = imageSides
      .map((image) => ({ image, figure: consider(image, middle) }))
      .sort((a, b) => b.figure - a.figure);
    for (const text of textSides) if (bestImage) consider(bestImage.image, text);
  }
  return best;
}

/** What each penalty gives for the rows held out. */
function posteriorsByPenalty(rows: Matrix, held: Matrix, labels: Int32Array, classes: number) {
  let start: LogisticRegression | undefined;
  return PENALTIES.map((l2) => {
    const regression = fitLogisticRegression(rows, labels, { classes, l2, ...(start && { start }) });
    start = regression;
    const posteriors = Array.from({ length: held.rows }, (_, row) => posterior(regression, rowOf(held, row)));
    return { l2, posteriors };
  });
}

/**
 * Probabilities as a vector of unit length. For the inner product each modality gets a number of its own beside them, at which
 * the other has 0, to bring it to that length: the cosine is then the inner product of the probabilities.
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
