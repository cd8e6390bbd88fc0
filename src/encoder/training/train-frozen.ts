/**
 * A training that keeps the image side of an encoder as it is and learns the text side alone, so that no picture is embedded
 * again.
 */
import { CommonspaceError } from '../../domain/errors.js';
import { MODALITIES, type Modality } from '../../domain/modality.js';
import { createEncoder } from '../inference/create-encoder.js';
import { embeddingWidth } from '../inference/embed.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { loadParameters, saveEncoder } from '../inference/serialise.js';
import { type Matrix, type Rows, rowOf, takeRows } from '../math/matrix.js';
import type { JsonValue, TrainedEncoder, TrainOptions } from '../types.js';
import { chooseResidualStrength, type ResidualChoice } from './choose-residual.js';
import { groupsOf } from './groups.js';
import { FITTED_ROWS, sampledRows } from './scale.js';
import type { OpenSource } from './stored-source.js';
import { scaleResidual, trainTextResidual } from './text-residual.js';
import type { HeldPairs } from './training-data.js';
import type { WarmStart } from './warm-start.js';

interface Hooks {
  readonly yieldToEventLoop: () => Promise<void>;
  readonly log: (message: string) => void;
}

/** Rows that are embedded between two pauses. */
const PAUSE_EVERY = 32;

/**
 * The encoder to start from with another residual of texts; an image has the same embedding, bit for bit. Of many pairs, at most
 * `FITTED_ROWS` are used.
 *
 * @throws CommonspaceError BAD_INPUT with the field `from` if there is no encoder to start from, or if it reads other features
 */
export async function trainFrozen(
  source: OpenSource,
  options: TrainOptions,
  warmStart: WarmStart | null,
  hooks: Hooks,
): Promise<Omit<TrainedEncoder, 'seconds'>> {
  const start = parametersOf(warmStart, source);
  hooks.log('embeddings of the encoder to start from');
  const pairs = await embedPairs(start, source, options, hooks);
  const step = (what: string) => {
    let shown = -1;
    return async (share: number) => {
      await hooks.yieldToEventLoop();
      const percent = Math.floor(share * 10) * 10;
      if (percent > shown) hooks.log(`${what}: ${percent} %`);
      shown = Math.max(shown, percent);
    };
  };
  const choice = await chooseResidualStrength(pairs, options, step('choosing the strength of the text side'));
  const { strength } = choice;
  const textResidual =
    strength === 0
      ? null
      : scaleResidual(await trainTextResidual(pairs, options, step('the text side')), strength);
  return describe({ ...start, textResidual }, options, choice);
}

/** The encoder to start from, without a residual of its own: the new one replaces it. */
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
  return { ...start, textResidual: null };
}

async function embedPairs(
  start: EncoderParameters,
  source: OpenSource,
  options: TrainOptions,
  { yieldToEventLoop }: Hooks,
): Promise<HeldPairs> {
  const encoder = createEncoder(start);
  const embed = async (modality: Modality, rows: Rows, chosen: Int32Array): Promise<Matrix> => {
    const data = new Float32Array(chosen.length * encoder.dimension);
    for (let from = 0; from < chosen.length; from += PAUSE_EVERY) {
      const part = takeRows(rows, chosen.subarray(from, from + PAUSE_EVERY));
      for (let row = 0; row < part.rows; row += 1)
        data.set(encoder.embed(modality, rowOf(part, row)), (from + row) * encoder.dimension);
      await yieldToEventLoop();
    }
    return { data, rows: chosen.length, columns: encoder.dimension };
  };
  const rows = sampledRows(source.labels.length, FITTED_ROWS);
  const all = groupsOf(source);
  const further = options.shortTexts + options.titleTexts > 0 ? (source.furtherTexts ?? null) : null;
  return {
    image: await embed('IMAGE', source.image, rows),
    text: await embed('TEXT', source.text, rows),
    labels: rows.map((row) => source.labels[row] as number),
    groups: rows.map((row) => all[row] as number),
    further: further && {
      text: await embed(
        'TEXT',
        further.features,
        Int32Array.from({ length: further.features.rows }, (_, i) => i),
      ),
      short: Array.from(rows, (row) => further.short[row] ?? []),
      titles: Array.from(rows, (row) => further.titles[row] ?? []),
    },
  };
}

function describe(
  parameters: EncoderParameters,
  options: TrainOptions,
  { strength, trials, figure, note }: ResidualChoice,
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
