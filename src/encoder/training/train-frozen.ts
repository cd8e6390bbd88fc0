/**
 * A training that keeps the image side of an encoder as it is and learns the text side alone, so that no picture is embedded
 * again.
 */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES } from '../../domain/modality.js';
import { embeddingWidth } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { loadParameters, saveEncoder } from '../inference/serialise.js';
import type { JsonValue, TrainedEncoder, TrainOptions } from '../types.js';
import { learnTextSide, type TextSide, type TextSideHooks } from './learn-text-side.js';
import type { OpenSource } from './stored-source.js';
import type { WarmStart } from './warm-start.js';

/**
 * The encoder to start from with another residual of texts; see learnTextSide.
 *
 * @throws CommonspaceError BAD_INPUT with the field `from` if there is no encoder to start from, or if it reads other features
 */
export async function trainFrozen(
  source: OpenSource,
  options: TrainOptions,
  warmStart: WarmStart | null,
  hooks: TextSideHooks,
): Promise<Omit<TrainedEncoder, 'seconds'>> {
  const start = parametersOf(warmStart, source);
  return describe(await learnTextSide(start, source, options, hooks), options);
}

/** The encoder to start from. */
function parametersOf(warmStart: WarmStart | null, source: OpenSource): EncoderParameters {
  const fault = (message: string) => new CommonspaceError('BAD_INPUT', message, ['from']);
  if (warmStart === null)
    throw fault('to freeze the image side, the training needs an encoder to start from');
  const start = loadParameters(warmStart.bytes);
  const widths = { IMAGE: source.image.columns, TEXT: source.text.columns };
  for (const modality of MODALITIES) {
    const width = start.sides[modality].normalisation.mean.length;
    if (width === widths[modality]) continue;
    throw fault(
      `the encoder to start from reads ${modality.toLowerCase()} features of ${width} numbers, not of ${widths[modality]}`,
    );
  }
  return start;
}

function describe(
  { parameters, choice: { strength, trials, figure, note } }: TextSide,
  options: TrainOptions,
): Omit<TrainedEncoder, 'seconds'> {
  const { aligned, branchWeights } = parameters;
  const notes = [
    'The image side is that of the version that the training started from: no picture was embedded again.',
    note,
  ];
  // All fields are plain values, so JSON can represent them.
  const about = { options, notes, strength, trials } as unknown as JsonValue;
  return {
    bytes: saveEncoder(parameters, about),
    dimension: embeddingWidth(parameters),
    options,
    epochs: 0,
    bestEpoch: 0,
    validation: figure,
    classEmbeddingKind: null,
    alignedShare: aligned == null ? null : (branchWeights[aligned] ?? null),
    history: [],
    notes,
  };
}
