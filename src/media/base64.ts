import { CommonspaceError, type FieldPath } from '../domain/errors.js';
import { MAX_IMAGE_BYTES } from './limits.js';

/**
 * Decodes a base64 string, or a `data:` URL in base64. White space is ignored. Only the standard alphabet with padding is
 * accepted.
 *
 * @param field path of the argument, for the error
 * @throws CommonspaceError EMPTY_IMAGE, BAD_BASE64, or IMAGE_TOO_LARGE (checked before decoding)
 * @example decodeBase64('data:image/png;base64,iVBORw0KGgo=', ['imageBase64'])
 */
export function decodeBase64(text: string, field: FieldPath = []): Buffer {
  const prefix = /^\s*data:[^,]{0,256},/i.exec(text)?.[0] ?? '';
  if (prefix !== '' && !/;\s*base64\s*,$/i.test(prefix)) {
    throw new CommonspaceError(
      'BAD_BASE64',
      'A data: URL must be in base64 (data:image/png;base64,…).',
      field,
    );
  }
  const body = text.slice(prefix.length);
  // A coarse check that includes white space; removing it first would copy an input of any size.
  if (body.length > MAX_BASE64 * 2) throw tooLarge(field);
  const digits = /\s/.test(body) ? body.replace(/\s+/g, '') : body;
  if (digits === '') throw new CommonspaceError('EMPTY_IMAGE', 'The image has no bytes.', field);
  if (digits.length > MAX_BASE64) throw tooLarge(field);
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(digits)) {
    throw new CommonspaceError('BAD_BASE64', 'The string contains characters that are not base64.', field);
  }
  if (digits.length % 4 !== 0) {
    throw new CommonspaceError(
      'BAD_BASE64',
      'The base64 is truncated, or its padding (=) is missing.',
      field,
    );
  }
  return Buffer.from(digits, 'base64');
}

/** At most so many bytes does `decodeBase64` return for the text. */
export function base64Bytes(text: string): number {
  return Math.min(MAX_IMAGE_BYTES, Math.ceil((text.length * 3) / 4));
}

const MAX_BASE64 = Math.ceil(MAX_IMAGE_BYTES / 3) * 4;

function tooLarge(field: FieldPath): CommonspaceError {
  return new CommonspaceError(
    'IMAGE_TOO_LARGE',
    `An image may have at most ${MAX_IMAGE_BYTES / 2 ** 20} MB.`,
    field,
  );
}
