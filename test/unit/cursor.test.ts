import { describe, expect, it } from 'vitest';
import { decodeCursor, encodeCursor, fingerprint } from '../../src/domain/cursor.js';
import { CommonspaceError } from '../../src/domain/errors.js';

const print = fingerprint({ text: 'tiger', target: 'IMAGE' });

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof CommonspaceError) return error.code;
    throw error;
  }
  return 'no error';
}

describe('cursor', () => {
  it('decodes to its position', () => {
    expect(decodeCursor(encodeCursor(print, '20'), print)).toBe('20');
  });

  it('contains only letters, digits, dash and underscore', () => {
    expect(encodeCursor(print, '20')).toMatch(/^[\w-]+$/);
  });

  it('of another query is refused', () => {
    const other = fingerprint({ text: 'lion', target: 'IMAGE' });
    expect(codeOf(() => decodeCursor(encodeCursor(other, '20'), print))).toBe('BAD_CURSOR');
  });

  it.each([
    '',
    'x',
    '%%%',
    Buffer.from('a:b:c').toString('base64url'),
    Buffer.from('nothing').toString('base64url'),
  ])('that was made up (%j) is refused', (cursor) => {
    expect(codeOf(() => decodeCursor(cursor, print))).toBe('BAD_CURSOR');
  });
});

describe('fingerprint', () => {
  it('does not depend on the order of keys, at any depth', () => {
    expect(fingerprint({ a: 1, b: { c: 2, d: [1, { e: 1, f: 2 }] } })).toBe(
      fingerprint({ b: { d: [1, { f: 2, e: 1 }], c: 2 }, a: 1 }),
    );
  });

  it('differs for different queries, also in dates and in the order of lists', () => {
    const prints = [
      { a: 1 },
      { a: '1' },
      { a: null },
      { a: [1, 2] },
      { a: [2, 1] },
      { a: new Date(0) },
      { a: new Date(1) },
    ].map(fingerprint);
    expect(new Set(prints).size).toBe(prints.length);
  });
});
