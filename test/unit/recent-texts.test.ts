import { expect, it } from 'vitest';
import { RecentTexts } from '../../src/services/search/recent-texts.js';

const feature = (x: number) => async () => Float32Array.of(x);

it('keeps the features of the texts asked for last, and drops those used longest ago', async () => {
  const recent = new RecentTexts();
  await recent.get('a', 'kept', feature(1));
  await recent.get('a', 'dropped', feature(2));
  for (let i = 0; i < 255; i += 1) {
    await recent.get('a', `other ${i}`, feature(0));
    await recent.get('a', 'kept', feature(-1));
  }
  expect(await recent.get('a', 'kept', feature(-1))).toEqual(Float32Array.of(1));
  expect(await recent.get('a', 'dropped', feature(3))).toEqual(Float32Array.of(3));
});

it('does not keep a failure', async () => {
  const recent = new RecentTexts();
  await expect(recent.get('a', 'x', () => Promise.reject(new Error('no')))).rejects.toThrow('no');
  expect(await recent.get('a', 'x', feature(4))).toEqual(Float32Array.of(4));
});

it('keeps the features of each extractor apart', async () => {
  const recent = new RecentTexts();
  await recent.get('a', 'x', feature(1));
  expect(await recent.get('b', 'x', feature(2))).toEqual(Float32Array.of(2));
  expect(await recent.get('a', 'x', feature(3))).toEqual(Float32Array.of(1));
});
