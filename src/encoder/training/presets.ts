/** The two presets, and how a caller's options are laid over them. */
import { CommonspaceError } from '../../domain/errors.js';
import type { LossWeights, PresetName, TrainOptions, TrainOptionsInput } from '../types.js';

/** The paper's losses and nothing else. Its sizes and weights are not known to us: these values are ours. */
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
    adversary: 0.1,
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
  decoderHidden: 256,
  discriminatorHidden: 64,
  slope: 0.1,
  dropout: 0.5,
  inputNoise: 0,
  mixup: 0,
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
  ccaDimension: 0,
  ccaPower: 1,
  posteriorShare: 0,
  codeLength: 0,
  posteriorLength: 0,
  tune: 'none',
  ccaSkip: false,
};

/** What won on validation; docs/decisions/0005-encoder.md has the figures. */
const DEFAULT: TrainOptions = {
  ...PAPER,
  preset: 'default',
  epochs: 50,
  weights: {
    similarity: 0,
    reconstruction: 0,
    semantics: 0.5,
    adversary: 0,
    pairContrast: 1,
    classContrast: 1,
    classCosine: 2,
  },
  pairTemperature: 0.15,
  classTemperature: 0.15,
  members: 2,
  ccaSkip: true,
  ccaShare: 0.4,
  posteriorShare: 0.2,
  ccaDimension: 128,
};

export const PRESETS: Readonly<Record<PresetName, TrainOptions>> = { paper: PAPER, default: DEFAULT };

/** The preset named (`default` where none is) with the caller's values laid over it. Throws BAD_INPUT on a value out of range. */
export function resolveTrainOptions(input: TrainOptionsInput = {}): TrainOptions {
  const preset = PRESETS[input.preset ?? 'default'];
  if (preset === undefined) throw bad('preset', 'is "paper" or "default"', input.preset);
  const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const options: TrainOptions = { ...preset, ...given, weights: { ...preset.weights, ...input.weights } };
  checkNamesAndTypes(options, preset);
  for (const [name, [least, most, whole]] of Object.entries(RANGES)) {
    const value = options[name as RangedOption];
    if (!Number.isFinite(value) || value < least || value > most || (whole && !Number.isInteger(value))) {
      throw bad(name, `is ${whole ? 'a whole number' : 'a number'} from ${least} to ${most}`, value);
    }
  }
  for (const name of Object.keys(preset.weights) as (keyof LossWeights)[]) {
    const value = options.weights[name];
    if (!Number.isFinite(value) || value < 0) throw bad(`weights.${name}`, 'is a number from 0 up', value);
  }
  if (!Object.values(options.weights).some((weight) => weight > 0))
    throw bad('weights', 'has a term above 0', 'none');
  if (!['none', 'pairs', 'classes'].includes(options.tune))
    throw bad('tune', 'is "none", "pairs" or "classes"', options.tune);
  if (options.ccaShare + options.posteriorShare > 1 + 1e-9)
    throw bad('posteriorShare', `and ccaShare are at most 1 together`, options.posteriorShare);
  const width = options.members * (options.memberDimension || options.dimension) + ccaWidth(options);
  if (width < options.dimension)
    throw bad('dimension', `is at most the ${width} of all its codes`, options.dimension);
  return options;
}

/** Options may come from outside: a name that is none would otherwise be passed over without a word. */
function checkNamesAndTypes(options: TrainOptions, preset: TrainOptions): void {
  const known = (given: object, names: object, prefix: string) => {
    const unknown = Object.keys(given).find((name) => !Object.hasOwn(names, name));
    if (unknown === undefined) return;
    const name = `${prefix}${unknown}`;
    const message = `there is no training option ${name}; there are ${Object.keys(names).join(', ')}`;
    throw new CommonspaceError('BAD_INPUT', message, [name]);
  };
  known(options, preset, '');
  known(options.weights, preset.weights, 'weights.');
  for (const [name, usual] of Object.entries(preset)) {
    const value: unknown = options[name as keyof TrainOptions];
    if (typeof usual === 'boolean' && typeof value !== 'boolean') throw bad(name, 'is true or false', value);
    if (Array.isArray(usual) && !isWidths(value))
      throw bad(name, `is at most ${MOST_LAYERS} whole numbers from 1 to ${MOST_WIDTH}`, value);
  }
}

const MOST_LAYERS = 8;
const MOST_WIDTH = 8192;

function isWidths(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.length <= MOST_LAYERS &&
    value.every((width) => Number.isInteger(width) && width >= 1 && width <= MOST_WIDTH)
  );
}

/** Width of the CCA branch, 0 where there is none. */
export function ccaWidth({ ccaShare, ccaDimension, dimension }: TrainOptions): number {
  return ccaShare > 0 ? ccaDimension || dimension : 0;
}

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
  slope: [0, 1, false],
  dropout: [0, 0.95, false],
  inputNoise: [0, 10, false],
  mixup: [0, 1, false],
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
