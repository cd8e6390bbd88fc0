/** The repeatable option `--set option=value`, for any training option by its name in `TrainOptions`. */
import { InvalidArgumentError, Option } from 'commander';
import { PRESETS, type TrainOptionsInput } from '../services/encoders/train-request.js';

type Value = number | boolean | readonly number[];
/** Option paths with the preset's values, which determine the type of each option. */
type Known = ReadonlyMap<string, Value>;

const KNOWN: Known = new Map(
  Object.entries<Value | string | object>({ ...PRESETS.default }).flatMap(
    ([name, value]): [string, Value][] => {
      // The preset and the seed have their own command-line options.
      if (name === 'seed' || typeof value === 'string') return [];
      if (isValue(value)) return [[name, value]];
      return Object.entries<Value>({ ...value }).map(([key, inner]) => [`${name}.${key}`, inner]);
    },
  ),
);

/** For `command.addOption`. It collects a `TrainOptionsInput` under the name `set`. */
export function setOption(): Option {
  return new Option(
    '--set <option=value>',
    'change one option of the preset, e.g. weights.adversary=0.5, dropout=.3, imageHidden=512,256; can be repeated',
  ).argParser(readTrainOption);
}

/**
 * Adds one `option=value` to the previous ones. The training service checks the ranges.
 *
 * @example readTrainOption('weights.adversary=0.5') // { weights: { adversary: 0.5 } }
 */
export function readTrainOption(text: string, before?: TrainOptionsInput): TrainOptionsInput {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be option=value.');
  const name = text.slice(0, at).trim();
  const like = KNOWN.get(name);
  if (like === undefined) {
    throw new InvalidArgumentError(
      `unknown training option ${name}; the options are: ${[...KNOWN.keys()].join(', ')}.`,
    );
  }
  const value = readValue(name, text.slice(at + 1).trim(), like);
  const [outer = name, inner] = name.split('.');
  if (inner === undefined) return { ...before, [outer]: value };
  return { ...before, weights: { ...before?.weights, [inner]: value } };
}

function readValue(name: string, text: string, like: Value): Value {
  if (typeof like === 'boolean') {
    if (text !== 'true' && text !== 'false')
      throw new InvalidArgumentError(`${name} must be true or false; got "${text}".`);
    return text === 'true';
  }
  if (typeof like === 'number') return readNumber(name, text);
  return text === '' ? [] : text.split(',').map((part) => readNumber(name, part.trim()));
}

function readNumber(name: string, text: string): number {
  const number = Number(text);
  if (text === '' || !Number.isFinite(number))
    throw new InvalidArgumentError(`${name} must be a number; got "${text}".`);
  return number;
}

function isValue(value: Value | string | object): value is Value {
  return typeof value === 'number' || typeof value === 'boolean' || Array.isArray(value);
}
