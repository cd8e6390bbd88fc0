/** The baseline: regularised CCA behind the same interface as a trained network. */
import { loadTensorBackend } from '../platform/tensor-backend.js';
import { ccaLayer, ccaStatistics, solveCca } from './cca.js';
import { createEncoder } from './inference.js';
import { validationFigure } from './member-training.js';
import type { EncoderParameters } from './parameters.js';
import { resolveTrainOptions } from './presets.js';
import { saveEncoder } from './serialise.js';
import { checkSource, type PreparedSource, prepareSource, splitPairs } from './training-data.js';
import type { Encoder, JsonValue, SourceSet } from './types.js';

export interface CcaOptions {
  readonly seed: number;
  /** The most canonical variates, i.e. the embedding's width. */
  readonly dimension: number;
  /** Share of the pairs on which width and regularisation are chosen. */
  readonly validation: number;
}

export interface TrainedCca {
  readonly encoder: Encoder;
  /** As `loadEncoder` reads them. */
  readonly bytes: Uint8Array;
  readonly k: number;
  readonly regularisation: number;
  /** map@all (or MRR@10 where no pair has a class) of the choice, on the validation part. */
  readonly validation: number | null;
  readonly seconds: number;
}

const REGULARISATIONS = [0.03, 0.1, 0.3, 1, 3, 10] as const;
const WIDTHS = [5, 10, 20, 32, 48, 64, 128, 256] as const;

/**
 * CCA with its width k and regularisation chosen on a validation part of these pairs, then fitted on all of them. A plain
 * one: each canonical variate counts alike. Throws NO_PAIRS, BAD_INPUT.
 */
export async function trainCca(source: SourceSet, input: Partial<CcaOptions> = {}): Promise<TrainedCca> {
  const { seed = 0, dimension = 64, validation: share = 0.2 } = input;
  const options = resolveTrainOptions({ preset: 'paper', seed, dimension, validation: share });
  checkSource(source);
  await loadTensorBackend();
  const started = performance.now();

  const { validation: heldOut } = splitPairs(source.labels.length, share, seed);
  const choice = choose(prepareSource(source, options, heldOut), dimension);
  const { training, normalisation } = prepareSource(source, options, null);
  const cca = solveCca(ccaStatistics(training.image, training.text), choice.regularisation);
  const parameters: EncoderParameters = {
    branchWeights: [1],
    sides: {
      IMAGE: {
        normalisation: normalisation.IMAGE,
        branches: [{ layers: [], skip: ccaLayer(cca.image, cca.correlations, choice.k, 0) }],
      },
      TEXT: {
        normalisation: normalisation.TEXT,
        branches: [{ layers: [], skip: ccaLayer(cca.text, cca.correlations, choice.k, 0) }],
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

function choose({ training, validation }: PreparedSource, dimension: number): Choice {
  const most = Math.min(training.image.columns, training.text.columns, dimension);
  const widths = [...new Set([...WIDTHS.filter((k) => k < most), most])];
  if (!validation) return { k: most, regularisation: 1, validation: null };
  const statistics = ccaStatistics(training.image, training.text);
  let best: Choice = { k: most, regularisation: 1, validation: null };
  for (const regularisation of REGULARISATIONS) {
    const cca = solveCca(statistics, regularisation);
    for (const k of widths) {
      const parameters = (side: 'image' | 'text') => ccaLayer(cca[side], cca.correlations, k, 0).weights;
      const figure = validationFigure(
        validation,
        unitProducts(validation.image.data, parameters('image')),
        unitProducts(validation.text.data, parameters('text')),
        k,
      );
      if (best.validation === null || figure > best.validation)
        best = { k, regularisation, validation: figure };
    }
  }
  return best;
}

/** Rows times weights, each row to unit length. */
function unitProducts(
  rows: Float32Array,
  weights: { readonly data: Float32Array; readonly rows: number; readonly columns: number },
): Float32Array {
  const { rows: p, columns: k, data } = weights;
  const n = rows.length / p;
  const out = new Float32Array(n * k);
  for (let r = 0; r < n; r += 1) {
    const target = out.subarray(r * k, (r + 1) * k);
    for (let i = 0; i < p; i += 1) {
      const x = rows[r * p + i] as number;
      for (let j = 0; j < k; j += 1) target[j] = (target[j] as number) + x * (data[i * k + j] as number);
    }
    let squares = 0;
    for (const x of target) squares += x * x;
    const factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
    for (let j = 0; j < k; j += 1) target[j] = (target[j] as number) * factor;
  }
  return out;
}
