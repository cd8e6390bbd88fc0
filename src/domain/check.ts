import { CommonspaceError, type FieldPath } from './errors.js';

/** Checks of values in inputs. Each throws a CommonspaceError that names the field. */

/** Whether the database can store the string: it accepts neither a NUL nor half of a surrogate pair. */
export function isStorable(value: string): boolean {
  return !value.includes('\u0000') && value.isWellFormed();
}

/** A string that is stored, or compared with stored ones. */
export function checkStorable(value: string, field: FieldPath): void {
  if (!isStorable(value)) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'The text contains a NUL or half of a surrogate pair, which cannot be stored.',
      field,
    );
  }
}

/** An object as JSON whose keys and strings can be stored. */
export function checkStorableJson(json: string, field: FieldPath): void {
  JSON.parse(json, (key, value: unknown) => {
    checkStorable(key, field);
    if (typeof value === 'string') checkStorable(value, field);
    return value;
  });
}

/**
 * A value whose lists and objects nest at most `limit` levels. It does not recurse: JSON.stringify and other recursive functions
 * overflow the stack at a few thousand levels.
 */
export function checkNesting(value: unknown, limit: number, field: FieldPath): void {
  let level: readonly unknown[] = [value];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= limit)
      throw new CommonspaceError('BAD_INPUT', `The value nests more than ${limit} levels.`, field);
    level = level.flatMap(elementsOf);
  }
}

/** The lists and objects in a list or an object. */
function elementsOf(value: unknown): unknown[] {
  if (typeof value !== 'object' || value === null) return [];
  const elements: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  return elements.filter((element) => typeof element === 'object' && element !== null);
}

/** A text that is not blank and has at most `limit` characters. */
export function checkText(text: string, limit: number, field: FieldPath): void {
  if (text.length > limit) {
    throw new CommonspaceError(
      'TEXT_TOO_LONG',
      `The text has ${text.length} characters; the limit is ${limit}.`,
      field,
    );
  }
  if (text.trim() === '') throw new CommonspaceError('EMPTY_TEXT', 'The text is empty.', field);
  checkStorable(text, field);
}

/** A label such as a key or a name: not blank, 1 to `limit` characters. */
export function checkLabel(label: string, limit: number, field: FieldPath): void {
  if (label.trim() === '' || label.length > limit) {
    throw new CommonspaceError('BAD_INPUT', `Must have 1 to ${limit} characters.`, field);
  }
  checkStorable(label, field);
}

/** A page size from 1 to `limit`. */
export function checkPageSize(first: number, limit: number): void {
  if (!Number.isInteger(first) || first < 1 || first > limit) {
    throw new CommonspaceError('BAD_INPUT', `first must be between 1 and ${limit}.`, ['first']);
  }
}
