/** The linear baseline: regularised CCA as an encoder. */

import { unit } from '../../domain/vectors.js';
import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { tf } from '../../platform/tfjs.js';
import { createEncoder } from '../inference/create-encoder.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { saveEncoder } from '../inference/serialise.js';
import { solveCca } from '../math/cca.js';
import type { Matrix } from '../math/matrix.js';
import { intoMatrix, toTensor } from '../network/tensors.js';
import { ccaLayer } from '../training/cca-branch.js';
import { statisticsOf } from '../training/cca-statistics.js';
import { splitClasses } from '../training/class-split.js';
import { resolveTrainOptions } from '../training/presets.js';
import { checkSource } from '../training/source-checks.js';
import { holdOut, prepareSource, type SplitSource, splitPairs } from '../training/training-data.js';
import { validationFigure } from '../training/validation-figure.js';
import type { Encoder, JsonValue, SourceSet, TrainOptions } from '../types.js';

export interface CcaOptions {
  readonly seed: number;
  /** Upper limit of the number of canonical variates, which is the width of the embedding. */
  readonly dimension: number;
  /** Share of the pairs, or of the classes, held out to choose width and regularisation on. */
  readonly validation: number;
  /** What is held out: pairs, or whole classes. Use `classes` for retrieval of unseen classes. */
  readonly validationBy: 'pairs' | 'classes';
}

export interface TrainedCca {
  readonly encoder: Encoder;
  /** The encoder file: `loadEncoder` reads it. */
  readonly bytes: Uint8Array;
  /** Number of canonical variates. */
  readonly k: number;
  readonly regularisation: number;
  /** MAP@all (MRR@10 where no pair has a class) of the choice, mean over the splits; null if nothing is held out. */
  readonly validation: number | null;
  readonly seconds: number;
}

const REGULARISATIONS = [0.03, 0.1, 0.3, 1, 3, 10] as const;
const WIDTHS = [5, 10, 20, 32, 48, 64, 128, 256] as const;

/**
 * Trains plain CCA: all canonical variates have the same weight. Width k and regularisation are chosen on held-out pairs or
 * classes; then CCA is fitted on all pairs.
 *
 * @throws CommonspaceError NO_PAIRS, BAD_INPUT
 */
export async function trainCca(source: SourceSet, input: Partial<CcaOptions> = {}): Promise<TrainedCca> {
  const { seed = 0, dimension = 64, validationBy = 'pairs' } = input;
  const { validation: share = validationBy === 'pairs' ? 0.2 : 0.4 } = input;
  const options = resolveTrainOptions({ preset: 'paper', seed, dimension, validation: share });
  checkSource(source);
  await loadTensorBackend();
  const started = performance.now();

  const prepared = prepareSource(source, options);
  const parts =
    validationBy === 'classes'
      ? splitClasses(prepared.pairs, share, seed)
      : [splitPairs(prepared.pairs.groups, share, seed)];
  const choice = choose(
    parts.map((part) => holdOut(prepared, part)),
    options,
  );
  const { pairs, normalisation } = prepared;
  const cca = solveCca(statisticsOf({ ...pairs, further: null }, options), choice.regularisation);
  const parameters: EncoderParameters = {
    branchWeights: [1],
    posteriorWeights: [0],
    norms: null,
    projection: null,
    sides: {
      IMAGE: {
        normalisation: normalisation.IMAGE,
        branches: [{ layers: [], skip: ccaLayer(cca.image, cca.correlations, choice.k, 0), head: null }],
      },
      TEXT: {
        normalisation: normalisation.TEXT,
        branches: [{ layers: [], skip: ccaLayer(cca.text, cca.correlations, choice.k, 0), head: null }],
      },
    },
  };
  const about = { method: 'cca', k: choice.k, regularisation: choice.regularisation } satisfies JsonValue;
  return {
    encoder: createEncoder(parameters),
    bytes: saveEncoder(parameters, about),
    ...choice,
    seconds: (performance.now() - started) / 1000,
  };
}

interface Choice {
  readonly k: number;
  readonly regularisation: number;
  readonly validation: number | null;
}

/** The width and regularisation with the best mean figure over the splits. */
function choose(splits: readonly SplitSource[], options: TrainOptions): Choice {
  const [{ training }] = splits as readonly [SplitSource];
  const most = Math.min(training.image.columns, training.text.columns, options.dimension);
  const widths = [...new Set([...WIDTHS.filter((k) => k < most), most])];
  const figures = new Map<string, Choice & { readonly validation: number }>();
  for (const { training, validation } of splits) {
    if (!validation) continue;
    const statistics = statisticsOf({ ...training, further: null }, options);
    for (const regularisation of REGULARISATIONS) {
      const cca = solveCca(statistics, regularisation);
      const image = variates(validation.image, ccaLayer(cca.image, cca.correlations, most, 0).weights);
      const text = variates(validation.text, ccaLayer(cca.text, cca.correlations, most, 0).weights);
      for (const k of widths) {
        const figure = validationFigure(validation, unitPrefixes(image, k), unitPrefixes(text, k), k);
        const key = `${k} ${regularisation}`;
        const before = figures.get(key)?.validation ?? 0;
        figures.set(key, { k, regularisation, validation: before + figure / splits.length });
      }
    }
  }
  let best: Choice = { k: most, regularisation: 1, validation: null };
  for (const choice of figures.values()) {
    if (best.validation === null || choice.validation > best.validation) best = choice;
  }
  return best;
}

/** The canonical variates of rows: [n, p] · [p, k] → [n, k]. */
function variates(rows: Matrix, weights: Matrix): Matrix {
  return intoMatrix(tf.tidy(() => tf.matMul<tf.Tensor2D>(toTensor(rows), toTensor(weights))));
}

/** The first k columns of each row, scaled to unit norm: [n · k]. */
function unitPrefixes({ data, rows, columns }: Matrix, k: number): Float32Array {
  const out = new Float32Array(rows * k);
  for (let r = 0; r < rows; r += 1) out.set(unit(data.slice(r * columns, r * columns + k)), r * k);
  return out;
}
