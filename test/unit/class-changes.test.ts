import { describe, expect, it } from 'vitest';
import { encoderConfigAfter, encoderRequestAfter } from '../../src/domain/class-changes.js';

const [CAT, DOG, FOX] = [
  { id: '1', name: 'cat' },
  { id: '2', name: 'dog' },
  { id: '3', name: 'fox' },
];
const CONFIG = { seenClassIds: ['9', '1', '2'], unseen: ['fox', 'owl'], seed: 1, other: { kept: true } };

describe('the record of an encoder', () => {
  it('has the new name of a class', () => {
    const change = { from: [FOX], into: { ...FOX, name: 'vixen' } };
    expect(encoderConfigAfter(CONFIG, change)).toEqual({ ...CONFIG, unseen: ['vixen', 'owl'] });
    const seen = { from: [CAT], into: { ...CAT, name: 'tomcat' } };
    expect(encoderConfigAfter(CONFIG, seen)).toEqual(CONFIG);
  });

  it('says that a merged class is seen if one part was, and keeps the order of the seen classes', () => {
    const intoUnseen = encoderConfigAfter(CONFIG, { from: [CAT], into: FOX });
    expect(intoUnseen).toMatchObject({ seenClassIds: ['9', '3', '2'], unseen: ['owl'] });
    const intoSeen = encoderConfigAfter(CONFIG, { from: [FOX], into: DOG });
    expect(intoSeen).toMatchObject({ seenClassIds: ['9', '1', '2'], unseen: ['owl'] });
    const bothSeen = encoderConfigAfter(CONFIG, { from: [CAT], into: DOG });
    expect(bothSeen).toMatchObject({ seenClassIds: ['9', '1', '2'], unseen: ['fox', 'owl'] });
    const bothUnseen = encoderConfigAfter(CONFIG, { from: [FOX], into: { id: '5', name: 'owl' } });
    expect(bothUnseen).toMatchObject({ unseen: ['owl'] });
    const intoNew = encoderConfigAfter(CONFIG, { from: [FOX], into: { id: '6', name: 'new' } });
    expect(intoNew).toMatchObject({ unseen: ['new', 'owl'] });
  });

  it('no longer names a deleted class', () => {
    expect(encoderConfigAfter(CONFIG, { from: [FOX], into: null })).toEqual({ ...CONFIG, unseen: ['owl'] });
    expect(encoderConfigAfter(CONFIG, { from: [CAT], into: null })).toEqual(CONFIG);
  });

  it('has the names within filters, and all else as it was', () => {
    const learnFrom = {
      metadata: { classNames: ['cat'] },
      createdAfter: '2026-01-01T00:00:00.000Z',
      and: [{ not: { classNames: ['cat', 'dog'] } }],
      or: [{ classNames: ['fox'] }],
    };
    const request = { preset: 'default', seed: 1, holdout: 0.1, unseen: ['cat', 'dog'], learnFrom };
    expect(encoderRequestAfter(request, { from: [CAT], into: DOG })).toEqual({
      ...request,
      unseen: ['dog'],
      learnFrom: { ...learnFrom, and: [{ not: { classNames: ['dog'] } }] },
    });
    expect(encoderRequestAfter({ seed: 1 }, { from: [CAT], into: DOG })).toEqual({ seed: 1 });
    expect(encoderConfigAfter({}, { from: [CAT], into: DOG })).toEqual({});
  });
});
