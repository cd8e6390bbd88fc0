import { createHash } from 'node:crypto';
import { CommonspaceError } from './errors.js';

/**
 * Cursors are opaque to callers: base64url of a fingerprint of the query and a position. With the fingerprint, a cursor of
 * another query is refused instead of giving a wrong page.
 */

/** A short stable hash of the value that identifies a query. The order of an object's keys does not matter. */
export function fingerprint(query: unknown): string {
  return createHash('sha256').update(stableJson(query)).digest('base64url').slice(0, 11);
}

/** @example encodeCursor('Xy…', '20') */
export function encodeCursor(queryFingerprint: string, position: string): string {
  return Buffer.from(`${queryFingerprint}:${position}`).toString('base64url');
}

/**
 * Decodes the position in a cursor.
 *
 * @throws CommonspaceError BAD_CURSOR if the cursor is malformed or was issued for another query.
 */
export function decodeCursor(cursor: string, queryFingerprint: string): string {
  const [print, position, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(':');
  if (print === undefined || position === undefined || position === '' || rest.length > 0) {
    throw badCursor();
  }
  if (print !== queryFingerprint) {
    throw new CommonspaceError(
      'BAD_CURSOR',
      'This cursor belongs to another query or another encoder. Repeat the query from its first page.',
      ['after'],
    );
  }
  return position;
}

/** The error for a cursor with an invalid position. */
export function badCursor(): CommonspaceError {
  return new CommonspaceError('BAD_CURSOR', 'This server did not issue this cursor.', ['after']);
}

function stableJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner) && !(inner instanceof Date)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
