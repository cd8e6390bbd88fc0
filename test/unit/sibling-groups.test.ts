import { describe, expect, it } from 'vitest';
import { createRandom, shuffle } from '../../src/encoder/math/random.js';
import { splitClasses } from '../../src/encoder/training/class-split.js';
import { groupsOf } from '../../src/encoder/training/groups.js';
import { resolveTrainOptions } from '../../src/encoder/training/presets.js';
import { checkSource } from '../../src/encoder/training/source-checks.js';
import { prepareSource, splitPairs } from '../../src/encoder/training/training-data.js';
import { largeFold, makeFolds } from '../../src/encoder/training/tune-folds.js';
import { validationFigure } from '../../src/encoder/training/validation-figure.js';
import type { SourceSet } from '../../src/encoder/types.js';
import { groupsOfTable, rowHashes, siblingGroups } from '../../src/evaluation/sibling-groups.js';
import { loadTensorBackend } from '../../src/platform/tensor-backend.js';
import { syntheticSource } from './encoder-source.js';
import { pairTable } from './pair-tables.js';

const zero = { classes: [], image: [0], text: [0] } as const;

describe('the groups of pairs', () => {
  it('join the pairs of one id, one picture and one text, also in steps', () => {
    const table = pairTable([
      { pair: 'a', imageHash: 'p', textHash: 's', ...zero },
      { pair: 'a', imageId: 'other', imageHash: 'q', textHash: 't', ...zero },
      { pair: 'b', imageHash: 'r', textHash: 't', ...zero },
      { pair: 'c', imageHash: 'x', textHash: 'y', ...zero },
      { pair: 'd', imageHash: 'x', textHash: 'z', ...zero },
    ]);
    expect([...groupsOfTable(table)]).toEqual([0, 0, 0, 3, 3]);
  });

  it('do not join by a content of more than 50 pairs, which is a placeholder, but join the captions of one pair', () => {
    const many = Array.from({ length: 60 }, (_, i) => ({ pair: `${i}`, textHash: 'no caption', ...zero }));
    expect(new Set(groupsOfTable(pairTable(many))).size).toBe(60);
    const captions = Array.from({ length: 60 }, (_, i) => ({
      pair: 'a',
      imageId: 'i',
      textId: `${i}`,
      ...zero,
    }));
    expect(new Set(groupsOfTable(pairTable(captions))).size).toBe(1);
  });

  it('do not compare a picture with a text', () => {
    expect([...siblingGroups([{ of: ['a', 'b'] }, { of: ['b', 'a'] }])]).toEqual([0, 1]);
  });

  it('find equal rows of features byte for byte', () => {
    const data = Float32Array.from([1, 2, 1, 2, 1, 2.0000002]);
    const [first, second, third] = rowHashes({ data, rows: 3, columns: 2 });
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });
});

/** Each three rows in order are the captions of one picture; the last group has two. */
const groups = Int32Array.from({ length: 320 }, (_, row) => Math.floor(row / 3));
const source: SourceSet = { ...syntheticSource(320, 8, 1), groups };

/** Whether no group has rows on both sides. */
function apart(of: Int32Array, training: Int32Array, validation: Int32Array): boolean {
  const trained = new Set([...training].map((row) => of[row]));
  return [...validation].every((row) => !trained.has(of[row]));
}

describe('splits', () => {
  it('hold out whole groups for validation, about the share asked for', () => {
    const { training, validation } = splitPairs(groups, 0.2, 3);
    expect(apart(groups, training, validation)).toBe(true);
    expect(validation.length + training.length).toBe(320);
    expect(validation.length).toBeGreaterThan(61);
    expect(validation.length).toBeLessThanOrEqual(64);
  });

  it('never hold out a group that is larger than the share', () => {
    const large = Int32Array.from({ length: 320 }, (_, row) => Math.max(0, row - 200));
    for (let seed = 0; seed < 5; seed += 1) {
      const { validation } = splitPairs(large, 0.2, seed);
      expect(validation.length).toBe(64);
      expect([...validation].every((row) => row > 200)).toBe(true);
    }
  });

  it('hold out the rows that they held out without groups', () => {
    const single = groupsOf({ labels: groups });
    const shuffled = shuffle(Int32Array.from(groups.keys()), createRandom(3, 1));
    expect(splitPairs(single, 0.2, 3).validation).toEqual(shuffled.slice(0, 64).sort());
  });

  it('keep a group on one side where whole classes are held out, though its pairs have several classes', () => {
    const splits = splitClasses({ labels: source.labels, groups }, 0.4, 0);
    expect(splits).toHaveLength(5);
    for (const { training, validation } of splits) {
      expect(apart(groups, training, validation)).toBe(true);
      expect(training.length).toBeGreaterThan(20);
    }
    const [byPairs] = splitClasses({ labels: new Int32Array(320), groups }, 0.2, 0);
    if (byPairs === undefined) throw new Error('no split');
    expect(byPairs.validation.length).toBeGreaterThan(50);
    expect(apart(groups, byPairs.training, byPairs.validation)).toBe(true);
  });

  it.each(['pairs', 'classes'] as const)(
    'keep a group on one side of the folds of tuning by %s',
    async (tune) => {
      await loadTensorBackend();
      const options = resolveTrainOptions({ preset: 'default' });
      const folds = makeFolds(prepareSource(source, options), { ...options, tune }, 3);
      expect(folds).toHaveLength(tune === 'pairs' ? 2 : 3);
      for (const { training, validation } of folds) {
        const trained = new Set(training.groups);
        expect([...validation.groups].some((group) => trained.has(group))).toBe(false);
      }
      if (tune === 'pairs') {
        const [a, b] = folds.map(({ validation }) => new Set(validation.groups));
        expect([...(a ?? [])].some((group) => b?.has(group))).toBe(false);
      }
    },
  );

  it('keep a group on one side of the fold that measures the parts of trainings on many pairs', async () => {
    await loadTensorBackend();
    const options = { ...resolveTrainOptions({ preset: 'default' }), tune: 'pairs' } as const;
    const few = prepareSource(source, options);
    expect(largeFold(few, options, makeFolds(few, options, 3))).toBeNull();
    const times = 13;
    const repeated = (data: Float32Array) =>
      Float32Array.from({ length: times * data.length }, (_, i) => data[i % data.length] as number);
    const many = prepareSource(
      {
        ...source,
        image: { ...source.image, rows: times * 320, data: repeated(source.image.data) },
        text: { ...source.text, rows: times * 320, data: repeated(source.text.data) },
        labels: Int32Array.from({ length: times * 320 }, (_, i) => source.labels[i % 320] as number),
        groups: Int32Array.from(
          { length: times * 320 },
          (_, i) => (groups[i % 320] as number) + 320 * Math.floor(i / 320),
        ),
      },
      options,
    );
    const folds = makeFolds(many, options, 3);
    const large = largeFold(many, options, folds);
    if (large === null) throw new Error('no fold');
    expect(large.training.labels.length).toBeGreaterThan(2 * (folds[0]?.training.labels.length ?? 0));
    const trained = new Set(large.training.groups);
    expect([...large.validation.groups].some((group) => trained.has(group))).toBe(false);
    expect(largeFold(many, { ...options, tune: 'classes' }, folds)).toBeNull();
  });
});

it('counts any sibling as the counterpart where no pair has a class', () => {
  const labels = new Int32Array(4).fill(-1);
  const image = Float32Array.from([1, 0, 0, 1, 1, 0, 0, 1]);
  const text = Float32Array.from([0, 1, 1, 0, 0, 1, 1, 0]);
  const alone = validationFigure({ labels, groups: Int32Array.from([0, 1, 2, 3]) }, image, text, 2);
  const siblings = validationFigure({ labels, groups: Int32Array.from([0, 0, 2, 2]) }, image, text, 2);
  expect(siblings).toBeGreaterThan(alone);
});

it('refuses groups of another number of pairs', () => {
  expect(() => checkSource({ ...source, groups: new Int32Array(7) })).toThrow(/7 groups, but 320 pairs/);
});
