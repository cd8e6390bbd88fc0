import type { EncoderRow, JsonObject } from '../../catalog/types.js';
import { checkStorable } from '../../domain/check.js';
import type { EncoderRequest } from '../../domain/encoder-record.js';
import { CommonspaceError } from '../../domain/errors.js';
import type { ItemFilter } from '../../domain/filter.js';
import { resolveTrainOptions } from '../../encoder/training/presets.js';
import type { TrainOptionsInput } from '../../encoder/types.js';
import type { FilterCheck } from '../search/filter-check.js';

export interface TrainRequest {
  readonly preset: 'paper' | 'default';
  readonly seed: number;
  /** Classes whose pairs are kept out of training, to measure how well the space serves them. */
  readonly unseen: readonly string[];
  /** Share of the other pairs kept out of training, to measure on. */
  readonly holdout: number;
  readonly epochs: number | null;
  /** Options laid over the preset's; `preset`, `seed` and `epochs` above come before them. */
  readonly options?: TrainOptionsInput;
  /** Which images to learn from; the others are held out. Null: all. */
  readonly learnFrom: ItemFilter | null;
  /** Name of the image extractor to train on; the configured one where not given. As kept, what opens it again. */
  readonly imageExtractor?: string | null;
  /** Whether it becomes the active encoder, if the gate lets it; true where not given. The first one always does. */
  readonly activate?: boolean;
  /** Whether it becomes the active encoder even if the gate would not let it. */
  readonly force?: boolean;
}

/** Everything that the encoder's room is told. */
export function optionsOf({ preset, seed, epochs, options }: TrainRequest): TrainOptionsInput {
  return { ...options, preset, seed, ...(epochs !== null && { epochs }) };
}

/** @throws CommonspaceError BAD_INPUT or UNKNOWN_CLASS, naming the field. */
export async function checkRequest(request: TrainRequest, filters: FilterCheck): Promise<void> {
  if (!(request.holdout >= 0 && request.holdout < 1)) {
    throw new CommonspaceError('BAD_INPUT', 'holdout must be at least 0 and below 1.', ['holdout']);
  }
  resolveTrainOptions(optionsOf(request));
  if (request.imageExtractor != null) checkStorable(request.imageExtractor, ['imageExtractor']);
  await filters.classesExist(request.unseen, ['unseen']);
  await filters.check(request.learnFrom, 'learnFrom');
}

/** A request as it is stored with the encoder. */
export function writeRequest(request: TrainRequest): EncoderRequest {
  return { ...request };
}

/**
 * The request that an encoder was stored with. Throws where it has none, which only encoders have that are trained already.
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
  // It checks every name and value, so that the type holds.
  resolveTrainOptions(options);
  return options;
}
