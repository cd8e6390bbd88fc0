import { createHash } from 'node:crypto';
import { CommonspaceError } from './errors.js';

/**
 * Cursors are opaque to callers: base64url of a fingerprint of the query and a position. The fingerprint makes a cursor
 * from another query an error instead of a page from nowhere.
 */

/** A short stable hash of whatever identifies a query; keys of objects count in sorted order. */
export function fingerprint(query: unknown): string {
  return createHash('sha256').update(stableJson(query)).digest('base64url').slice(0, 11);
}

/** @example encodeCursor('Xy…', '20') */
export function encodeCursor(queryFingerprint: string, position: string): string {
  return Buffer.from(`${queryFingerprint}:${position}`).toString('base64url');
}

/**
 * The position that a cursor stands for.
 *
 * @throws CommonspaceError BAD_CURSOR where it is malformed or was made for another query.
 */
export function decodeCursor(cursor: string, queryFingerprint: string): string {
  const [print, position, ...rest] = Buffer.from(cursor, 'base64url').toString('utf8').split(':');
  if (print === undefined || position === undefined || position === '' || rest.length > 0) {
    throw badCursor();
  }
  if (print !== queryFingerprint) {
    throw new CommonspaceError(
      'BAD_CURSOR',
      'This cursor belongs to another query, or to another encoder; repeat the query that gave it, from its first page.',
      ['after'],
    );
  }
  return position;
}

/** For a position that no cursor of this server has. */
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
