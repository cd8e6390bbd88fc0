import { describe, expect, it } from 'vitest';
import { readFeatures, readLabels } from '../../src/services/evaluate/bundle/bundle-arrays.js';
import { npy, withHeader } from '../factories/feature-bundle.js';

const numbers = [1, -2.5, 3, 0.5, 7, -8];
const wholes = [1, 2, 3, 0, 7, 100];

describe('features', () => {
  it.each(['<f2', '>f2', '<f4', '>f4', '<f8', '>f8'])('are read from %s', (descr) => {
    expect(readFeatures('a.npy', npy([3, 2], numbers, { descr }))).toEqual({
      data: Float32Array.from(numbers),
      rows: 3,
      columns: 2,
    });
  });

  it.each(['|i1', '<i2', '>i4', '<i8', '|u1', '>u2', '<u4', '<u8'])('are read from %s', (descr) => {
    expect(readFeatures('a.npy', npy([2, 3], wholes, { descr })).data).toEqual(Float32Array.from(wholes));
  });

  it.each([1, 2, 3] as const)('are read from format version %i', (version) => {
    expect(readFeatures('a.npy', npy([3, 2], numbers, { version })).data).toEqual(Float32Array.from(numbers));
  });

  it('are read in column order', () => {
    const columns = [1, 3, 7, -2.5, 0.5, -8];
    for (const descr of ['<f4', '<f8'])
      expect(readFeatures('a.npy', npy([3, 2], columns, { descr, fortran: true })).data).toEqual(
        Float32Array.from([1, -2.5, 3, 0.5, 7, -8]),
      );
  });

  it('keep the values of very small float16 numbers', () => {
    const tiny = [2 ** -24, 2 ** -14, -(2 ** -20), 0];
    expect([...readFeatures('a.npy', npy([2, 2], tiny, { descr: '<f2' })).data]).toEqual(tiny);
  });
});

describe('labels', () => {
  it.each(['|i1', '<i2', '>i4', '<i8', '|u1', '<u2', '>u4', '>u8', '<f4', '<f8'])(
    'are read from %s',
    (descr) => {
      expect([...readLabels('l.npy', npy([6], wholes, { descr }))]).toEqual(wholes);
    },
  );
});

describe('errors name the file, and the row if one is at fault', () => {
  const good = npy([3, 2], numbers);
  const body = Buffer.alloc(24);
  const read = (bytes: Buffer) => () => readFeatures('a.npy', bytes);
  const fault = (message: string | RegExp, row?: number) =>
    expect.objectContaining({
      code: 'BAD_BUNDLE',
      message: expect.stringMatching(message),
      field: row === undefined ? ['bundle', 'a.npy'] : ['bundle', 'a.npy', String(row)],
    });

  it.each([
    ['no .npy file', Buffer.from('hello, this is text'), /^a\.npy: it is not a \.npy file\.$/],
    ['nothing', Buffer.alloc(0), /not a \.npy file/],
    [
      'an unknown version',
      Buffer.concat([good.subarray(0, 6), Buffer.from([9, 0]), good.subarray(8)]),
      /version is 9/,
    ],
    ['an incomplete header', good.subarray(0, 40), /header is incomplete/],
    ['incomplete numbers', good.subarray(0, good.length - 4), /has 20 bytes of numbers.* are 24/],
    ['more numbers than it says', Buffer.concat([good, Buffer.alloc(4)]), /has 28 bytes of numbers/],
    [
      'a header without a shape',
      withHeader("{'descr': '<f4', 'fortran_order': False}", body),
      /header cannot be read/,
    ],
    [
      'objects',
      withHeader("{'descr': '|O', 'fortran_order': False, 'shape': (3, 2)}", body),
      /it holds \|O, but numbers/,
    ],
    ['strings', withHeader("{'descr': '<U4', 'fortran_order': False, 'shape': (3, 2)}", body), /<U4/],
    [
      'a structure',
      withHeader("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (3, 2)}", body),
      /a structure, but numbers/,
    ],
    ['one dimension', npy([6], numbers), /its shape is \(6,\), and features have two/],
    ['three dimensions', npy([3, 1, 2], numbers), /its shape is \(3, 1, 2\)/],
    ['no dimension', npy([], [1]), /its shape is \(\)/],
    ['no columns', npy([3, 0], []), /no columns/],
  ])('%s', (_, bytes, message) => {
    expect(read(bytes)).toThrow(fault(message));
  });

  it.each([
    ['NaN', '<f4', Number.NaN],
    ['NaN', '<f2', Number.NaN],
    ['-Infinity', '>f8', Number.NEGATIVE_INFINITY],
    ['1e+300', '<f8', 1e300],
  ])('%s in %s', (shown, descr, x) => {
    expect(read(npy([3, 2], [0, 1, 2, 3, 4, x], { descr }))).toThrow(
      fault(
        `^a\\.npy, row 2: column 1 is ${shown.replace('+', '\\+')}, which is not a finite float32\\.$`,
        2,
      ),
    );
  });

  it('NaN in columns', () => {
    expect(read(npy([3, 2], [0, 1, 2, 3, Number.NaN, 5], { fortran: true }))).toThrow(
      fault('row 1: column 1 is NaN', 1),
    );
  });

  it('labels in two dimensions, and labels that are not integers', () => {
    expect(() => readLabels('a.npy', npy([3, 2], wholes, { descr: '<i4' }))).toThrow(
      fault(/shape is \(3, 2\), and labels have one/),
    );
    expect(() => readLabels('a.npy', npy([3], [0, 1, 1.5]))).toThrow(fault('row 2: the label is 1.5', 2));
    expect(() => readLabels('a.npy', npy([2], [0, 2 ** 40], { descr: '<i8' }))).toThrow(
      fault('row 1: the label is 1099511627776', 1),
    );
  });
});
