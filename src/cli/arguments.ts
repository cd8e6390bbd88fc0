import { InvalidArgumentError } from 'commander';

interface NumberRange {
  readonly integer?: boolean;
  readonly min: number;
  readonly max: number;
}

/** Returns a parser of a numeric option, which refuses values out of range. */
export function readNumber(
  what: string,
  { integer = false, min, max }: NumberRange,
): (value: string) => number {
  return (value) => {
    const number = Number(value);
    if (value.trim() === '' || !(number >= min && number <= max) || (integer && !Number.isInteger(number))) {
      throw new InvalidArgumentError(
        `${what} must be ${integer ? 'a whole number' : 'a number'} from ${min} to ${max}.`,
      );
    }
    return number;
  };
}

/** Returns a parser of an option with fixed choices. */
export function readChoice<T extends string>(choices: readonly T[]): (value: string) => T {
  return (value) => {
    const found = choices.find((choice) => choice.toLowerCase() === value.toLowerCase());
    if (found === undefined) throw new InvalidArgumentError(`must be one of ${choices.join(', ')}.`);
    return found;
  };
}

/** Parses an option `key=value` that can be repeated, and collects all values in one object. */
export function readMetadata(
  value: string,
  before: Readonly<Record<string, string>> = {},
): Record<string, string> {
  const at = value.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('must be key=value.');
  return { ...before, [value.slice(0, at)]: value.slice(at + 1) };
}
