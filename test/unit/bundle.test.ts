import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MOST_MEASURED } from '../../src/evaluation/evaluate-held-out.js';
import { readBundle } from '../../src/services/evaluate/bundle/read-bundle.js';
import {
  partOf,
  planSplits,
  samplingNotesOf,
  sourceOf,
} from '../../src/services/evaluate/bundle-protocol.js';
import { evaluateBundle } from '../../src/services/evaluate/evaluate-bundle.js';
import { bundleFiles, npy, writeBundle } from '../factories/feature-bundle.js';

const good = bundleFiles();
const zeros = (rows: number, columns: number) => npy([rows, columns], new Float32Array(rows * columns));
const labels = (of: readonly number[]) => npy([of.length], of, { descr: '<i8' });
const splits = (...seen: unknown[]) => JSON.stringify({ extendable: seen.map((of) => ({ seen: of })) });

let root: string;
let count = 0;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-bundle-'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

function write(changes: Readonly<Record<string, Buffer | string | null>> = {}): Promise<string> {
  count += 1;
  return writeBundle(join(root, `b${count}`), { ...good, ...changes });
}

it('reads rows, names and splits, and ignores other files', async () => {
  const folder = await write({ 'splits.json': splits([3, 1, 0]), 'README.txt': 'hello' });
  const bundle = await readBundle(folder);
  expect(bundle.train.image).toMatchObject({ rows: 96, columns: 40 });
  expect(bundle.test.text).toMatchObject({ rows: 60, columns: 24 });
  expect(bundle.train.labels).toHaveLength(96);
  expect(bundle.classNames.get(2)).toBe('cat');
  expect(bundle.splits).toEqual([[0, 1, 3]]);
  expect(bundle.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect((await readBundle(await write())).sha256).not.toBe(bundle.sha256);
});

it('reads names by label', async () => {
  const names = Object.fromEntries(['ant', 'bee', 'cat', 'dog', 'eel', 'fox'].map((name, i) => [i, name]));
  const bundle = await readBundle(await write({ 'classes.json': JSON.stringify(names) }));
  expect(bundle.classNames.get(5)).toBe('fox');
});

describe('an unusable bundle is refused with the file and the row', () => {
  const long = [...Array(95).fill(0), 1];
  it.each<[string, Record<string, Buffer | string | null>, string, RegExp, number?]>([
    ['a missing file', { 'txt_test.npy': null }, 'txt_test.npy', /it is missing from/],
    [
      'labels without names',
      { 'classes.json': null },
      'classes.json',
      /missing, so the labels have no names/,
    ],
    [
      'a label without a name',
      { 'classes.json': '["a", "b", "c"]' },
      'label_train.npy',
      /label [345] has no name/,
    ],
    [
      'a label below 0',
      { 'label_test.npy': labels([...Array(59).fill(0), -1]) },
      'label_test.npy',
      /label -1 has no name/,
      59,
    ],
    ['names that are not JSON', { 'classes.json': '["a",' }, 'classes.json', /it is not JSON/],
    ['names that are none', { 'classes.json': '3' }, 'classes.json', /neither a list/],
    ['an empty name', { 'classes.json': '["a", ""]' }, 'classes.json', /label 1 has no name/],
    [
      'one name twice',
      { 'classes.json': '["a", "b", "a"]' },
      'classes.json',
      /labels 0 and 2 are both named "a"/,
    ],
    [
      'more images than texts',
      { 'txt_train.npy': zeros(90, 24) },
      'txt_train.npy',
      /has 90 rows, and img_train.npy has 96/,
      90,
    ],
    [
      'more labels than rows',
      { 'label_test.npy': labels(Array(61).fill(0)) },
      'label_test.npy',
      /has 61 rows/,
      60,
    ],
    [
      'other columns in test',
      { 'img_test.npy': zeros(60, 41) },
      'img_test.npy',
      /41 columns, and those of img_train.npy have 40/,
    ],
    ['no rows', { 'img_train.npy': zeros(0, 40) }, 'img_train.npy', /no rows/],
    [
      'one class only',
      { 'label_train.npy': labels(Array(96).fill(2)) },
      'label_train.npy',
      /every row has label 2/,
    ],
    ['splits that are not JSON', { 'splits.json': '{' }, 'splits.json', /it is not JSON/],
    ['splits without a list', { 'splits.json': '{}' }, 'splits.json', /no list "extendable"/],
    [
      'a split without labels',
      { 'splits.json': '{"extendable":[{}]}' },
      'splits.json',
      /split 0: it has no list "seen"/,
    ],
    [
      'an unknown label',
      { 'splits.json': splits([0, 1], [0, 9]) },
      'splits.json',
      /split 1: label 9 is in no training row/,
    ],
    ['a label twice', { 'splits.json': splits([0, 1, 1]) }, 'splits.json', /twice/],
    ['a name for a label', { 'splits.json': splits([0, 'bee']) }, 'splits.json', /label "bee"/],
    [
      'a split with every class',
      { 'splits.json': splits([0, 1, 2, 3, 4, 5]) },
      'splits.json',
      /every class is seen/,
    ],
    [
      'a split with one unseen class',
      { 'splits.json': splits([0, 1, 2, 3, 4]) },
      'splits.json',
      /two of each/,
    ],
    ['a split with one seen class', { 'splits.json': splits([0]) }, 'splits.json', /two of each/],
    ['text instead of numbers', { 'img_test.npy': 'hello world' }, 'img_test.npy', /not a \.npy file/],
    [
      'a rare class',
      { 'label_train.npy': labels(long), 'classes.json': '["a"]' },
      'label_train.npy',
      /label 1/,
      95,
    ],
  ])('%s', async (_, changes, file, message, row) => {
    const field =
      row === undefined ? expect.arrayContaining(['bundle', file]) : ['bundle', file, String(row)];
    await expect(readBundle(await write(changes))).rejects.toMatchObject({
      code: 'BAD_BUNDLE',
      field,
      message: expect.stringMatching(message),
    });
  });

  it('a folder that does not exist or is a file', async () => {
    const fault = (message: string) => ({
      code: 'BAD_BUNDLE',
      field: ['bundle'],
      message: expect.stringContaining(message),
    });
    await expect(readBundle(join(root, 'nothing'))).rejects.toMatchObject(fault('does not exist'));
    const file = join(root, 'file');
    await writeFile(file, '');
    await expect(readBundle(file)).rejects.toMatchObject(fault('is not a folder'));
  });

  it('too few pairs for a batch or a training, before any training', async () => {
    const before = await readdir(root);
    const folder = await write();
    const request = {
      folder,
      protocol: 'extendable',
      preset: 'default',
      seeds: [0],
      set: {},
      runs: null,
    } as const;
    await expect(evaluateBundle(request)).rejects.toMatchObject({
      code: 'BAD_BUNDLE',
      field: ['bundle', 'img_train.npy'],
      message: expect.stringMatching(/has 96 rows, fewer than a batch of 256 pairs/),
    });
    const rare = await write({
      'label_train.npy': labels(Array.from({ length: 96 }, (_, i) => (i < 4 ? i % 2 : 2 + (i % 4)))),
      'splits.json': splits([0, 1]),
    });
    await expect(evaluateBundle({ ...request, folder: rare, set: { batchSize: 32 } })).rejects.toMatchObject({
      field: ['bundle', 'label_train.npy'],
      message: expect.stringMatching(/4 rows are of the seen classes 0, 1, and training needs 16/),
    });
    expect((await readdir(root)).length).toBe(before.length + 2);
    expect(await readdir(folder)).toEqual(Object.keys(good).sort());
  });
});

describe('protocols', () => {
  it('non-extendable: every class is seen, one training for each seed', async () => {
    const bundle = await readBundle(await write({ 'splits.json': splits([0, 1]) }));
    expect(planSplits(bundle, 'non-extendable', [3, 4])).toEqual(
      [3, 4].map((seed) => ({ split: null, seed, seen: [0, 1, 2, 3, 4, 5], unseen: [] })),
    );
  });

  it('extendable: one training for each split and seed, on pairs of the seen classes', async () => {
    const bundle = await readBundle(await write({ 'splits.json': splits([0, 4], [1, 2, 3]) }));
    const plan = planSplits(bundle, 'extendable', [0, 1]);
    expect(plan.map(({ split, seed }) => [split, seed])).toEqual([
      [0, 0],
      [0, 1],
      [1, 0],
      [1, 1],
    ]);
    expect(plan[0]).toMatchObject({ seen: [0, 4], unseen: [1, 2, 3, 5] });
    const source = sourceOf(bundle, [0, 4]);
    const rows = [...bundle.train.labels.keys()].filter((row) =>
      [0, 4].includes(bundle.train.labels[row] ?? -1),
    );
    expect(source.image.rows).toBe(rows.length);
    expect([...source.image.data.subarray(0, 40)]).toEqual([
      ...bundle.train.image.data.subarray((rows[0] ?? 0) * 40, (rows[0] ?? 0) * 40 + 40),
    ]);
    expect(source).toMatchObject({ classNames: ['ant', 'eel'], classEmbeddingKind: 'text-mean' });
  });

  it('extendable without splits.json: half of the classes, drawn by each seed', async () => {
    const bundle = await readBundle(await write());
    const plan = planSplits(bundle, 'extendable', [0, 1, 2, 3]);
    for (const { seen, unseen } of plan) {
      expect([seen.length, unseen.length]).toEqual([3, 3]);
      expect([...seen, ...unseen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
    }
    expect(new Set(plan.map(({ seen }) => seen.join())).size).toBeGreaterThan(1);
    expect(planSplits(bundle, 'extendable', [0, 1, 2, 3])).toEqual(plan);
  });

  it('extendable needs four classes to draw from', async () => {
    const bundle = await readBundle(await writeBundle(join(root, 'three'), bundleFiles(60, 30, 3)));
    expect(() => planSplits(bundle, 'extendable', [0])).toThrow(/have 3 classes/);
  });
});

it('measures a sample of many test rows, and says so', async () => {
  const bundle = await readBundle(await write());
  const rows = 3 * MOST_MEASURED;
  const column = { data: Float32Array.from({ length: rows }, (_, row) => row), rows, columns: 1 };
  const labelOf = Int32Array.from({ length: rows }, (_, row) => row % 2);
  const large = { ...bundle, test: { image: column, text: column, labels: labelOf } };
  const { IMAGE, TEXT } = partOf(large, [0, 1])?.sides ?? {};
  expect([IMAGE, TEXT].map((side) => side?.features.rows)).toEqual([MOST_MEASURED, MOST_MEASURED]);
  expect([...(IMAGE?.pairs ?? [])]).toEqual([...(IMAGE?.features.data ?? [])]);
  expect(samplingNotesOf(large, [[0, 1]]).join()).toContain(`Of ${rows} test pairs about ${MOST_MEASURED}`);
  expect(samplingNotesOf(bundle, [[0, 1]])).toEqual([]);
});
