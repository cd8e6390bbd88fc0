/** `--set option=value`: any choice of a training, by its name in `TrainOptions`, given as often as wanted. */
import { InvalidArgumentError, Option } from 'commander';
import { PRESETS, type TrainOptionsInput } from '../services/encoders/train-request.js';

type Value = number | boolean | readonly number[];
/** A name that is a path, with the value that the preset has there; it tells which kind of value is wanted. */
type Known = ReadonlyMap<string, Value>;

const KNOWN: Known = new Map(
  Object.entries<Value | string | object>({ ...PRESETS.default }).flatMap(
    ([name, value]): [string, Value][] => {
      // The preset and the seed have options of their own.
      if (name === 'seed' || typeof value === 'string') return [];
      if (isValue(value)) return [[name, value]];
      return Object.entries<Value>({ ...value }).map(([key, inner]) => [`${name}.${key}`, inner]);
    },
  ),
);

/** For `command.addOption`; what it reads is a `TrainOptionsInput` under the name `set`. */
export function setOption(): Option {
  return new Option(
    '--set <option=value>',
    'change one option of the preset, e.g. weights.adversary=0.5, dropout=.3, imageHidden=512,256; may be given again',
  ).argParser(readTrainOption);
}

/**
 * One `option=value` laid over those before it. What is out of range is for the training to refuse, which knows all of them.
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
      `there is no training option ${name}; there are: ${[...KNOWN.keys()].join(', ')}.`,
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
