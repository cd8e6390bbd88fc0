import type { Catalog } from '../../catalog/catalog.js';
import type { ClaimedRun } from '../../catalog/repositories/encoder-runs.js';
import type { EncoderConfig } from '../../domain/encoder-record.js';
import { CommonspaceError } from '../../domain/errors.js';
import { adoptEncoder } from '../../encoder/training/adopt-encoder.js';
import { ALL_HELD_OUT } from '../../evaluation/pair-split.js';
import { sharedSpace } from '../../features/shared-space.js';
import type { OpenPair } from '../serving/extractors-in-use.js';
import { sampleFeatures } from './feature-sample.js';
import type { TrainRequest } from './train-request.js';

/** What an adoption asks for. */
export interface AdoptRequest {
  /** Name of a model of two towers. */
  readonly model: string;
  readonly activate: boolean;
  readonly force?: boolean;
}

/** An adoption as the run that makes it: it trains on no pair, so all of them are held out. */
export function adoptionRun({ activate, force = false }: AdoptRequest): TrainRequest {
  return {
    preset: 'default',
    adopt: true,
    seed: 0,
    unseen: [],
    holdout: 1,
    epochs: null,
    learnFrom: null,
    activate,
    force,
  };
}

/** @throws CommonspaceError BAD_INPUT if the extractors share no space, BAD_MODEL if they differ in dimension */
export function requireSharedSpace({ image, text }: OpenPair): string {
  const space = sharedSpace(image, text);
  if (space !== null) return space;
  throw new CommonspaceError(
    'BAD_INPUT',
    'Only a model of two towers, whose pictures and texts share a space, can be adopted without training: a folder with ' +
      'onnx/vision_model.onnx and onnx/text_model.onnx.',
    ['model'],
  );
}

/**
 * Makes the encoder of a shared space from the features that are stored, and stores its weights.
 *
 * @throws ClaimLost, or CommonspaceError BAD_INPUT, CANCELLED
 */
export async function adopt(
  catalog: Catalog,
  run: ClaimedRun,
  request: TrainRequest,
  open: OpenPair,
  signal: AbortSignal,
): Promise<{ readonly weights: Uint8Array; readonly config: EncoderConfig }> {
  const space = requireSharedSpace(open);
  const image = await sampleFeatures(catalog, open.image, signal);
  const text = await sampleFeatures(catalog, open.text, signal);
  const { bytes, dimension } = await adoptEncoder({ image, text }, signal);
  const config: EncoderConfig = {
    preset: 'zero-shot',
    space,
    alignedShare: 1,
    seed: request.seed,
    unseen: [],
    holdout: request.holdout,
    learnFrom: null,
    heldOutBelow: ALL_HELD_OUT,
    sourceReadAt: (run.row.startedAt ?? new Date()).toISOString(),
    seenClassIds: [],
    notes: notesOn(image.rows, text.rows),
  };
  await catalog.encoderRuns.keepWeights(run, { dimension, config }, bytes);
  return { weights: bytes, config };
}

/** From this many items on, the mean of a modality is known well. */
const ENOUGH_ITEMS = 100;

function notesOn(images: number, texts: number): string[] {
  const few = [
    ...(images < ENOUGH_ITEMS ? [`${images} images`] : []),
    ...(texts < ENOUGH_ITEMS ? [`${texts} texts`] : []),
  ];
  if (few.length === 0) return [];
  return [
    `Features are centred by the mean of their modality, and the catalogue had only ${few.join(' and ')}: adopt the model again ` +
      `once it has at least ${ENOUGH_ITEMS} of each.`,
  ];
}
