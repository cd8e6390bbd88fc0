import type { EncoderRow, JsonObject } from '../../catalog/types.js';
import { checkStorable } from '../../domain/check.js';
import type { EncoderRequest } from '../../domain/encoder-record.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { resolveTrainOptions } from '../../encoder/training/presets.js';
import type { TrainOptionsInput } from '../../encoder/types.js';
import type { FilterCheck } from '../search/filter-check.js';

/** For callers that may not import src/encoder. */
export { PRESETS } from '../../encoder/training/presets.js';
export type { TrainOptionsInput } from '../../encoder/types.js';

/** What a training is asked for. */
export interface TrainRequest {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  /** Classes whose pairs are held out, to measure retrieval of unseen classes. */
  readonly unseen: readonly string[];
  /** Share of the other pairs to hold out. */
  readonly holdout: number;
  readonly epochs: number | null;
  /** Options that override the preset's; `preset`, `seed` and `epochs` above override these. */
  readonly options?: TrainOptionsInput;
  /** Only pairs of matching images may be training pairs; the others are held out. Null: all. */
  readonly learnFrom: ItemFilter | null;
  /**
   * Id of a version to continue with the pairs that were added since. Seed, held-out pairs and options are those of the version;
   * see continuedRequest.
   */
  readonly from?: string | null;
  /** Name of the image extractor to train on; null and absent mean the configured one. The stored request has the name that opens it again. */
  readonly imageExtractor?: string | null;
  /** The same for texts. */
  readonly textExtractor?: string | null;
  /** Whether the shared space of the extractors is taken as it is, without training. */
  readonly adopt?: boolean;
  /** Whether it becomes the active encoder if the gate passes it; true by default. The first encoder is activated in any case that the gate passes. */
  readonly activate?: boolean;
  /** Whether it becomes the active encoder even if the gate refuses it. */
  readonly force?: boolean;
}

/** Whether the image side of the version that the request starts from is kept. */
export function freezesImages({ options }: TrainRequest): boolean {
  return options?.freeze === 'image';
}

/** The options of the request for `trainEncoder`. */
export function optionsOf({ preset, seed, epochs, options }: TrainRequest): TrainOptionsInput {
  return { ...options, preset, seed, ...(epochs !== null && { epochs }) };
}

/** @throws CommonspaceError BAD_INPUT or UNKNOWN_CLASS, naming the field. */
export async function checkRequest(request: TrainRequest, filters: FilterCheck): Promise<void> {
  if (!(request.holdout >= 0 && request.holdout < 1)) {
    throw new CommonspaceError('BAD_INPUT', 'holdout must be at least 0 and below 1.', ['holdout']);
  }
  resolveTrainOptions(optionsOf(request));
  if (freezesImages(request) && request.from == null) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'To freeze the image side, give the version that it is taken from.',
      ['from'],
    );
  }
  if (request.from != null) checkStorable(request.from, ['from']);
  if (request.imageExtractor != null) checkStorable(request.imageExtractor, ['imageExtractor']);
  if (request.textExtractor != null) checkStorable(request.textExtractor, ['textExtractor']);
  await filters.classesExist(request.unseen, ['unseen']);
  await filters.check(request.learnFrom, 'learnFrom');
}

/** A request as it is stored with the encoder. */
export function writeRequest(request: TrainRequest): EncoderRequest {
  return { ...request };
}

/**
 * The request that an encoder was stored with. Throws where it has none; only encoders of old versions, which are trained,
 * have none.
 *
 * @throws CommonspaceError BAD_INPUT for training options that this version does not know.
 */
export function readRequest({ id, request }: Pick<EncoderRow, 'id' | 'request'>): TrainRequest {
  if (request === null) throw new Error(`encoder ${id} was stored without a training request`);
  const { options, ...rest } = request;
  return { ...rest, ...(options !== undefined && { options: checkOptions(options) }) };
}

function checkOptions(json: JsonObject): TrainOptionsInput {
  const options = json as TrainOptionsInput;
  // Checks every name and value, so the type holds.
  resolveTrainOptions(options);
  return options;
}
