/** The linear baseline: regularised CCA as an encoder, with the freedoms that the encoder's own CCA part has. */

import { loadTensorBackend } from '../../platform/tensor-backend.js';
import { createEncoder } from '../inference/create-encoder.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { saveEncoder } from '../inference/serialise.js';
import { type Cca, solveCca } from '../math/cca.js';
import { ccaLayers } from '../training/cca-branch.js';
import { statisticsOf } from '../training/cca-statistics.js';
import { type CcaChoice, chooseCca } from '../training/choose-cca.js';
import { combineParts, outputsOf } from '../training/combine-parts.js';
import { resolveTrainOptions } from '../training/presets.js';
import { checkSource } from '../training/source-checks.js';
import { type OpenSource, ScratchRows } from '../training/stored-source.js';
import { type PreparedSource, prepareSource } from '../training/training-data.js';
import type { Encoder, JsonValue, TrainOptions } from '../types.js';

export interface CcaOptions {
  readonly seed: number;
  /** Upper limit of the number of canonical variates. */
  readonly dimension: number;
  /** What is held out to choose on: pairs, or whole classes. Use `classes` for retrieval of unseen classes. */
  readonly validationBy: 'pairs' | 'classes';
}

export interface TrainedCca extends CcaChoice {
  /** Its embeddings have k dimensions, and two more if they keep some of their norm. */
  readonly encoder: Encoder;
  /** The encoder file: `loadEncoder` reads it. */
  readonly bytes: Uint8Array;
  /** MAP@all (MRR@10 where no pair has a class) of the choice, mean over the splits; null if nothing is held out. */
  readonly validation: number | null;
  readonly seconds: number;
}

/** A training set with its principal components, which do not depend on what is held out to choose on. */
export interface CcaSource {
  readonly prepared: PreparedSource;
  readonly options: TrainOptions;
  readonly dimension: number;
}

/** `prepareCca` and `fitCca` in one. @throws CommonspaceError NO_PAIRS, BAD_INPUT */
export async function trainCca(source: OpenSource, input: Partial<CcaOptions> = {}): Promise<TrainedCca> {
  const started = performance.now();
  const trained = await fitCca(await prepareCca(source, input), input.validationBy ?? 'pairs');
  return { ...trained, seconds: (performance.now() - started) / 1000 };
}

/** @throws CommonspaceError NO_PAIRS, BAD_INPUT */
export async function prepareCca(
  source: OpenSource,
  { seed = 0, dimension = 64 }: Partial<CcaOptions>,
): Promise<CcaSource> {
  const options = resolveTrainOptions({ preset: 'paper', seed, dimension });
  checkSource(source);
  await loadTensorBackend();
  const prepared = prepareSource(source, options, ScratchRows.beside(source, 'cca'));
  return { prepared, options, dimension };
}

/** Chooses regularisation, power, kept norm and width as `chooseCca` does, then fits CCA on all pairs. */
export async function fitCca(
  { prepared, options, dimension }: CcaSource,
  validationBy: CcaOptions['validationBy'],
): Promise<Omit<TrainedCca, 'seconds'>> {
  const { choice, validation } = await chooseCca(prepared, validationBy, dimension, options);
  const cca = solveCca(statisticsOf(prepared.pairs, options), choice.regularisation);
  const parameters = parametersOf(prepared, cca, choice, options);
  return {
    encoder: createEncoder(parameters),
    bytes: saveEncoder(parameters, { method: 'cca', ...choice } satisfies JsonValue),
    ...choice,
    validation,
  };
}

/** An encoder with a CCA branch alone. */
function parametersOf(
  { normalisation, pairs }: PreparedSource,
  cca: Cca,
  { k, power, length }: CcaChoice,
  options: TrainOptions,
): EncoderParameters {
  const layers = ccaLayers(cca, k, power);
  const side = (modality: 'IMAGE' | 'TEXT') => ({
    normalisation: normalisation[modality],
    branches: [{ layers: [], skip: layers[modality], head: null }],
  });
  const branches = { sides: { IMAGE: side('IMAGE'), TEXT: side('TEXT') }, kinds: ['cca'] as const };
  const weights = {
    ...options,
    ccaShare: 1,
    posteriorShare: 0,
    semanticShare: 0,
    codeLength: length,
    posteriorLength: 0,
  };
  return combineParts(branches, weights, length > 0 ? outputsOf(branches, pairs) : null);
}
