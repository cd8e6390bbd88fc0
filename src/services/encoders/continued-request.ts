import type { Catalog } from '../../catalog/catalog.js';
import type { EncoderRow } from '../../catalog/types.js';
import { CommonspaceError } from '../../domain/errors.js';
import { isUuid } from '../../domain/ids.js';
import { PRESETS, resolveTrainOptions } from '../../encoder/training/presets.js';
import { checkWarmStart, type WarmStart } from '../../encoder/training/warm-start.js';
import type { PairClass } from '../../evaluation/pair-table.js';
import { freezesImages, optionsOf, type TrainOptionsInput, type TrainRequest } from './train-request.js';

const FROM = ['from'];
/** A training that continues takes this share of the epochs of the version that it continues. */
const SHARE_OF_EPOCHS = 1 / 4;

/**
 * A request to continue a version, with what it takes over: extractors, options, and how pairs are held out. Pairs that the version
 * was trained on must not be held out now; an adopted version was trained on none. `request` itself where it does not continue one.
 *
 * @throws CommonspaceError ENCODER_NOT_FOUND; ENCODER_STATE for a version without weights; BAD_INPUT if the options give networks of
 *   another shape
 */
export async function continuedRequest(request: TrainRequest, catalog: Catalog): Promise<TrainRequest> {
  if (request.from == null) return request;
  const row = await versionToContinue(request.from, catalog);
  const { config } = row;
  const isFrozen = freezesImages(request);
  const continued: TrainRequest = {
    ...request,
    preset: config.preset === 'paper' ? 'paper' : 'default',
    ...(!isAdopted(row) && {
      seed: config.seed ?? 0,
      unseen: config.unseen ?? [],
      holdout: config.holdout ?? request.holdout,
      learnFrom: config.learnFrom ?? null,
    }),
    epochs: request.epochs ?? (isFrozen ? null : epochsAfter(row)),
    options: { ...optionsOfVersion(row), tune: 'none', ...request.options },
    imageExtractor: request.imageExtractor ?? row.imageExtractor,
    textExtractor: request.textExtractor ?? row.textExtractor,
  };
  // The text side that is learnt has a shape of its own, whatever the version is.
  if (isFrozen) return continued;
  checkWarmStart(await catalog.encoders.weights(row.id), resolveTrainOptions(optionsOf(continued)));
  return continued;
}

/** @throws CommonspaceError BAD_INPUT if the extractors are not those of the version that a request continues. */
export async function checkExtractors(
  { from }: TrainRequest,
  ids: Pick<EncoderRow, 'imageExtractor' | 'textExtractor'>,
  catalog: Catalog,
): Promise<void> {
  if (from == null) return;
  const row = await versionToContinue(from, catalog);
  for (const side of ['imageExtractor', 'textExtractor'] as const) {
    if (row[side] === ids[side]) continue;
    throw new CommonspaceError(
      'BAD_INPUT',
      `The version to continue reads the features of ${row[side]}, not of ${ids[side]}.`,
      FROM,
    );
  }
}

/**
 * What a training continues from.
 *
 * @param classes of the new training set
 * @throws CommonspaceError ENCODER_NOT_FOUND if the version was removed since the request
 */
export async function readWarmStart(
  catalog: Catalog,
  from: string,
  classes: readonly PairClass[],
): Promise<WarmStart> {
  const { config } = await storedVersion(catalog, from);
  const numbers = new Map((config.seenClassIds ?? []).map((id, number) => [id, number]));
  return {
    bytes: await catalog.encoders.weights(from),
    classes: Int32Array.from(classes, ({ id }) => numbers.get(id) ?? -1),
  };
}

/** The bound of the held-out pairs of a version; see Split. Null for an adopted one. @throws CommonspaceError ENCODER_NOT_FOUND. */
export async function heldOutBoundOf(catalog: Catalog, from: string): Promise<number | null> {
  const row = await storedVersion(catalog, from);
  return isAdopted(row) ? null : (row.config.heldOutBelow ?? 0);
}

/** Whether a version is a pre-trained model as it is, trained on no pair. */
function isAdopted({ request }: EncoderRow): boolean {
  return request?.adopt === true;
}

async function storedVersion(catalog: Catalog, from: string): Promise<EncoderRow> {
  const row = await catalog.encoders.byId(from);
  if (row === null)
    throw new CommonspaceError('ENCODER_NOT_FOUND', 'The version to continue was removed.', FROM);
  return row;
}

async function versionToContinue(from: string, catalog: Catalog): Promise<EncoderRow> {
  const row = isUuid(from) ? await catalog.encoders.byId(from) : null;
  if (row === null) throw new CommonspaceError('ENCODER_NOT_FOUND', 'No encoder has this id.', FROM);
  if (row.dimension === null || row.config.heldOutBelow === undefined) {
    const why = row.dimension === null ? `is ${row.state} and has no weights` : 'is of an older version';
    throw new CommonspaceError('ENCODER_STATE', `The encoder ${why}: it cannot be continued.`, FROM);
  }
  return row;
}

/** A version that itself continued another one keeps its number of epochs. */
function epochsAfter({ config }: EncoderRow): number {
  const epochs = Number(config.epochs ?? PRESETS.default.epochs);
  return config.from == null ? Math.max(1, Math.ceil(epochs * SHARE_OF_EPOCHS)) : epochs;
}

/** The training options of a version that this version of the program knows. */
function optionsOfVersion({ config }: EncoderRow): TrainOptionsInput {
  const own = new Set(['preset', 'seed', 'epochs', 'tune', 'freeze']);
  const names = Object.keys(PRESETS.default).filter((name) => !own.has(name) && name in config);
  return Object.fromEntries(names.map((name) => [name, config[name]])) as TrainOptionsInput;
}
