import { CommonspaceError, type FieldPath } from './errors.js';

/** Checks of plain values that many inputs share. Each throws a CommonspaceError that names the field. */

/** A string that the database can hold: no NUL, no half of a surrogate pair. */
export function checkStorable(value: string, field: FieldPath): void {
  if (value.includes('\u0000') || !value.isWellFormed()) {
    throw new CommonspaceError(
      'BAD_INPUT',
      'The text holds a NUL or half a surrogate pair, which cannot be stored.',
      field,
    );
  }
}

/** A text with something in it, `limit` characters at most. */
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

/** A short label such as a key or a name, 1 to `limit` characters. */
export function checkLabel(label: string, limit: number, field: FieldPath): void {
  if (label.trim() === '' || label.length > limit) {
    throw new CommonspaceError('BAD_INPUT', `Must have 1 to ${limit} characters.`, field);
  }
  checkStorable(label, field);
}

/** A page size within 1 and `limit`. */
export function checkPageSize(first: number, limit: number): void {
  if (!Number.isInteger(first) || first < 1 || first > limit) {
    throw new CommonspaceError('BAD_INPUT', `first must be between 1 and ${limit}.`, ['first']);
  }
}
