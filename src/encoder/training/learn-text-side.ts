/** Learns the text side of an encoder whose image side is kept: a residual of the text embedding. */
import type { Modality } from '../../domain/modality.js';
import { createEncoder } from '../inference/create-encoder.js';
import type { EncoderParameters } from '../inference/parameters.js';
import { type Matrix, type Rows, rowOf, takeRows } from '../math/matrix.js';
import type { TrainOptions } from '../types.js';
import { chooseResidualStrength, type ResidualChoice } from './choose-residual.js';
import { groupsOf } from './groups.js';
import { FITTED_ROWS, sampledRows } from './scale.js';
import type { OpenSource } from './stored-source.js';
import { scaleResidual, trainTextResidual } from './text-residual.js';
import type { HeldPairs } from './training-data.js';

export interface TextSideHooks {
  readonly yieldToEventLoop: () => Promise<void>;
  readonly log: (message: string) => void;
}

export interface TextSide {
  /** Those that the training started from, with the residual; without one where it does not improve on held-out rows. */
  readonly parameters: EncoderParameters;
  readonly choice: ResidualChoice;
}

/** Rows that are embedded between two pauses. */
const PAUSE_EVERY = 32;

/**
 * The encoder with a residual of texts in place of any that it has; an image has the same embedding, bit for bit. Of many pairs,
 * at most `FITTED_ROWS` are used.
 *
 * @param start reads the features of the source set
 */
export async function learnTextSide(
  start: EncoderParameters,
  source: OpenSource,
  options: TrainOptions,
  hooks: TextSideHooks,
): Promise<TextSide> {
  const base = { ...start, textResidual: null };
  hooks.log('embeddings of the encoder to start from');
  const pairs = await embedPairs(base, source, options, hooks);
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
  if (strength === 0) return { parameters: base, choice };
  const residual = await trainTextResidual(pairs, options, step('the text side'));
  return { parameters: { ...base, textResidual: scaleResidual(residual, strength) }, choice };
}

async function embedPairs(
  start: EncoderParameters,
  source: OpenSource,
  options: TrainOptions,
  { yieldToEventLoop }: TextSideHooks,
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
