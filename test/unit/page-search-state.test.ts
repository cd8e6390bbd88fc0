import { describe, expect, it } from 'vitest';
import {
  canSearch,
  EMPTY,
  filterOf,
  isBrowsing,
  queryOf,
  readState,
  writeState,
} from '../../web/src/search/search-state.js';

const FULL = {
  ...EMPTY,
  text: 'a cat: striped & big',
  parts: [
    { kind: 'itemId', value: 'x:y', weight: -2 },
    { kind: 'imageUrl', value: 'https://example.org/a.png?b=1', weight: 0.5 },
  ],
  target: 'IMAGE',
  evidence: 'CONTENT',
  order: 'newest',
  diversity: 0.4,
  group: 'PAIR',
  hideDuplicates: true,
  all: true,
  classes: ['big cat', 'a:b'],
  metadata: [{ key: 'a:b', json: '"x:y"' }],
  after: '2026-01-31',
  before: '2026-03-01',
} as const;

describe('the address of a search', () => {
  it('holds all of it', () => {
    expect(readState(writeState(FULL))).toEqual(FULL);
  });

  it('is short for a text, and empty without a search', () => {
    expect(writeState({ ...EMPTY, text: 'cat' })).toBe('?q=cat');
    expect(writeState(EMPTY)).toBe('');
    expect(readState('')).toEqual(EMPTY);
  });

  it('leaves out what cannot be read', () => {
    const bad =
      '?p=text:0:a&p=text:x:a&p=what:1:a&p=text:1&target=X&by=x&order=x&diversity=9&meta=a:{&after=2026-13-01';
    expect(readState(bad)).toEqual({ ...EMPTY, diversity: 1 });
  });
});

describe('the query of a search', () => {
  it('is one query, or several with weights', () => {
    expect(queryOf({ ...EMPTY, text: 'cat' })).toEqual({ text: 'cat' });
    expect(queryOf(FULL)).toEqual({
      all: [
        { text: FULL.text, weight: 1 },
        { itemId: 'x:y', weight: -2 },
        { imageUrl: 'https://example.org/a.png?b=1', weight: 0.5 },
      ],
    });
  });

  it('needs a part to search for', () => {
    const minus = { ...EMPTY, parts: [{ kind: 'text', value: 'dog', weight: -1 }] } as const;
    expect([canSearch(minus), isBrowsing(minus), canSearch(FULL), isBrowsing(EMPTY)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  it('includes the day that a filter ends with', () => {
    const { createdAfter, createdBefore, and, classNames } = filterOf(FULL) ?? {};
    expect(Date.parse(String(createdBefore)) - Date.parse(String(createdAfter))).toBeCloseTo(
      30 * 86_400_000,
      -7,
    );
    expect([and, classNames]).toEqual([[{ metadata: { 'a:b': 'x:y' } }], ['big cat', 'a:b']]);
    expect(filterOf({ ...EMPTY, target: 'TEXT' })).toEqual({ modality: 'TEXT' });
    expect(filterOf({ ...EMPTY, text: 'cat', target: 'TEXT' })).toBeNull();
  });
});
