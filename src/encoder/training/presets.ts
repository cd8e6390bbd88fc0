/** The presets, and the validation of a caller's options. */
import { CommonspaceError } from '../../domain/errors.js';
import type { LossWeights, PresetName, TrainOptions, TrainOptionsInput } from '../types.js';

/** The losses of the paper only. Its layer sizes and weights are not published: these values are ours. */
const PAPER: TrainOptions = {
  preset: 'paper',
  seed: 0,
  dimension: 64,
  epochs: 60,
  batchSize: 256,
  weights: {
    similarity: 0.01,
    reconstruction: 0.002,
    semantics: 1,
    adversary: 1,
    pairContrast: 0,
    classContrast: 0,
    classCosine: 0,
  },
  validation: 0.1,
  patience: 0,
  components: 256,
  clip: 4,
  scaling: 1,
  imageHidden: [512],
  textHidden: [256],
  decoderHidden: 64,
  discriminatorHidden: 64,
  adversaryRamp: 10,
  slope: 0.1,
  dropout: 0.5,
  inputNoise: 0,
  mixup: 0,
  shortTexts: 0,
  titleTexts: 0,
  shortForms: 2,
  members: 1,
  memberDimension: 0,
  learningRate: 2e-3,
  weightDecay: 0,
  labelSmoothing: 0,
  pairTemperature: 0.1,
  classTemperature: 0.1,
  softTargets: 0,
  softTemperature: 0.1,
  ccaRegularisation: 1,
  ccaShare: 0,
  semanticShare: 0,
  ccaDimension: 0,
  ccaPower: 1,
  posteriorShare: 0,
  codeLength: 0,
  posteriorLength: 0,
  tune: 'pairs',
  freeze: 'none',
  ccaSkip: false,
};

/** The options with the best validation figures; docs/decisions/0005-encoder.md and 0017-short-texts.md have them. */
const DEFAULT: TrainOptions = {
  ...PAPER,
  preset: 'default',
  epochs: 50,
  weights: {
    similarity: 0.004,
    reconstruction: 0.002,
    semantics: 0.5,
    adversary: 1,
    pairContrast: 1,
    classContrast: 1,
    classCosine: 2,
  },
  pairTemperature: 0.15,
  classTemperature: 0.15,
  members: 2,
  ccaSkip: true,
  ccaShare: 0.2,
  semanticShare: 0.2,
  posteriorShare: 0.2,
  ccaDimension: 128,
  shortTexts: 0.1,
  titleTexts: 0.5,
};

export const PRESETS: Readonly<Record<PresetName, TrainOptions>> = { paper: PAPER, default: DEFAULT };

/**
 * The caller's options laid over their preset; the preset is `default` if not given.
 *
 * @throws CommonspaceError BAD_INPUT, naming the option, if it is unknown or its value is out of range
 */
export function resolveTrainOptions(input: TrainOptionsInput = {}): TrainOptions {
  const preset = PRESETS[input.preset ?? 'default'];
  if (preset === undefined) throw bad('preset', 'must be "paper" or "default"', input.preset);
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const options: TrainOptions = { ...preset, ...given, weights: { ...preset.weights, ...input.weights } };
  checkNamesAndTypes(options, preset);
  for (const [name, [least, most, whole]] of Object.entries(RANGES)) {
    const value = options[name as RangedOption];
    if (!Number.isFinite(value) || value < least || value > most || (whole && !Number.isInteger(value))) {
      throw bad(name, `must be ${whole ? 'an integer' : 'a number'} from ${least} to ${most}`, value);
    }
  }
  for (const name of Object.keys(preset.weights) as (keyof LossWeights)[]) {
    const value = options.weights[name];
    if (!Number.isFinite(value) || value < 0)
      throw bad(`weights.${name}`, 'must be a number of at least 0', value);
  }
  if (!Object.values(options.weights).some((weight) => weight > 0))
    throw bad('weights', 'must have a term above 0', 'none');
  if (!['none', 'pairs', 'classes'].includes(options.tune))
    throw bad('tune', 'must be "none", "pairs" or "classes"', options.tune);
  if (!['none', 'image'].includes(options.freeze))
    throw bad('freeze', 'must be "none" or "image"', options.freeze);
  checkShares(options, given);
  const width = options.members * (options.memberDimension || options.dimension) + ccaWidth(options);
  if (width < options.dimension)
    throw bad('dimension', `must be at most ${width}, the width of all codes together`, options.dimension);
  return options;
}

const SHARES = ['posteriorShare', 'ccaShare', 'semanticShare'] as const;

/** The networks' codes have what the other shares leave. */
function checkShares(options: TrainOptions, given: object): void {
  const sum = SHARES.reduce((total, name) => total + options[name], 0);
  if (sum <= 1 + 1e-9) return;
  const shares = SHARES.map((name) => `${name} ${options[name]}`).join(', ');
  throw new CommonspaceError(
    'BAD_INPUT',
    `the shares ${shares} must sum to at most 1`,
    SHARES.filter((name) => Object.hasOwn(given, name)).slice(0, 1),
  );
}

/** Options may come from outside, where an unknown name would otherwise be ignored silently. */
function checkNamesAndTypes(options: TrainOptions, preset: TrainOptions): void {
  const known = (given: object, names: object, prefix: string) => {
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
    if (unknown === undefined) return;
    const name = `${prefix}${unknown}`;
    const message = `unknown training option ${name}; the options are ${Object.keys(names).join(', ')}`;
    throw new CommonspaceError('BAD_INPUT', message, [name]);
  };
  known(options, preset, '');
  known(options.weights, preset.weights, 'weights.');
  for (const [name, usual] of Object.entries(preset)) {
    const value: unknown = options[name as keyof TrainOptions];
    if (typeof usual === 'boolean' && typeof value !== 'boolean')
      throw bad(name, 'must be true or false', value);
    if (Array.isArray(usual) && !isWidths(value))
      throw bad(name, `must be a list of at most ${MOST_LAYERS} integers from 1 to ${MOST_WIDTH}`, value);
  }
}

/** Limits of the hidden layers. */
const MOST_LAYERS = 8;
const MOST_WIDTH = 8192;

function isWidths(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MOST_LAYERS &&
    value.every((width) => Number.isInteger(width) && width >= 1 && width <= MOST_WIDTH)
  );
}

/** Width of the CCA branch; 0 if there is none. */
export function ccaWidth({ ccaShare, ccaDimension, dimension }: TrainOptions): number {
  return ccaShare > 0 ? ccaDimension || dimension : 0;
}

/** The options whose value is a number. */
type RangedOption = {
  [K in keyof TrainOptions]: TrainOptions[K] extends number
    ? number extends TrainOptions[K]
      ? K
      : never
    : never;
}[keyof TrainOptions];

const RANGES: Readonly<Record<RangedOption, readonly [least: number, most: number, whole: boolean]>> = {
  seed: [0, 2 ** 31 - 1, true],
  dimension: [2, 4096, true],
  epochs: [1, 100_000, true],
  batchSize: [2, 65_536, true],
  validation: [0, 0.5, false],
  patience: [0, 100_000, true],
  components: [1, 4096, true],
  clip: [0.1, 1e6, false],
  scaling: [0, 1, false],
  decoderHidden: [1, 8192, true],
  discriminatorHidden: [1, 8192, true],
  adversaryRamp: [0, 100, false],
  slope: [0, 1, false],
  dropout: [0, 0.95, false],
  inputNoise: [0, 10, false],
  mixup: [0, 1, false],
  shortTexts: [0, 1, false],
  titleTexts: [0, 1, false],
  shortForms: [1, 16, true],
  members: [1, 16, true],
  memberDimension: [0, 4096, true],
  learningRate: [1e-8, 10, false],
  weightDecay: [0, 10, false],
  labelSmoothing: [0, 0.9, false],
  pairTemperature: [1e-3, 100, false],
  classTemperature: [1e-3, 100, false],
  softTargets: [0, 1, false],
  softTemperature: [1e-3, 100, false],
  ccaRegularisation: [0, 1e6, false],
  ccaShare: [0, 1, false],
  semanticShare: [0, 1, false],
  posteriorShare: [0, 1, false],
  codeLength: [0, 1, false],
  posteriorLength: [0, 1, false],
  ccaDimension: [0, 4096, true],
  ccaPower: [0, 8, false],
};

function bad(name: string, rule: string, value: unknown): CommonspaceError {
  return new CommonspaceError('BAD_INPUT', `the training option ${name} ${rule}; got ${String(value)}`, [
    name,
  ]);
}
