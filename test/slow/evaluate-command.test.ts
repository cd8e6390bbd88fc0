import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BundleReport } from '../../src/services/evaluate/bundle-report.js';
import { bundleFiles, writeBundle } from '../factories/feature-bundle.js';
import { cli } from '../support/cli.js';

/** Test rows that have the picture of a training row. */
const REPEATED = 2;

/** The first rows of the test array replaced by those of the training array; rows have 40 numbers. */
function withPicturesOf(test: unknown, train: unknown, rows: number): Buffer {
  if (!Buffer.isBuffer(test) || !Buffer.isBuffer(train)) throw new Error('a bundle without pictures');
  const bytes = Buffer.from(test);
  const body = (file: Buffer, of: number) => file.length - of * 40 * 4;
  train.copy(bytes, body(bytes, 60), body(train, 72), body(train, 72) + rows * 40 * 4);
  return bytes;
}

let root: string;
let bundle: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-evaluate-'));
  const splits = { extendable: [{ seen: [0, 2, 4] }, { seen: [1, 3, 5] }] };
  const files = bundleFiles(72, 60);
  bundle = await writeBundle(join(root, 'bundle'), {
    ...files,
    'img_test.npy': withPicturesOf(files['img_test.npy'], files['img_train.npy'], REPEATED),
    'splits.json': JSON.stringify(splits),
  });
});
afterAll(() => rm(root, { recursive: true, force: true }));

const runs = () => join(root, 'runs');
const quick = ['--set', 'epochs=4', '--set', 'batchSize=64', '--set', 'members=1', '--no-tune'];
const evaluate = (...args: string[]) =>
  cli(['evaluate', '--bundle', bundle, ...quick, '--runs', runs(), ...args]);

function expectFigures(report: BundleReport): void {
  for (const figures of [report.mean, report.chance, report.cca, report.paper, ...report.splits]) {
    for (const key of ['i2t_map', 't2i_map'] as const) {
      expect(figures[key]).toBeGreaterThan(0);
      expect(figures[key]).toBeLessThanOrEqual(1);
    }
    expect(figures.avg_map).toBeCloseTo(((figures.i2t_map ?? 0) + (figures.t2i_map ?? 0)) / 2, 9);
  }
  const mean = report.splits.reduce((sum, { avg_map }) => sum + (avg_map ?? 0), 0) / report.splits.length;
  expect(report.mean.avg_map).toBeCloseTo(mean, 9);
  // The data has a common space that is easy to find, so every method is above chance.
  expect(report.cca.avg_map).toBeGreaterThan(report.chance.avg_map ?? 1);
}

describe('commonspace evaluate --bundle', { timeout: 600_000 }, () => {
  it('non-extendable: trains for each seed and measures beside chance, CCA, SM and the paper preset', async () => {
    const result = await evaluate('--seeds', '0,1', '--json');
    expect(result.code, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/default 1\/2: (\d+)\/\1 /);
    expect(result.stderr).toMatch(/paper 2\/2: (\d+)\/\1 /);
    const report = result.json<unknown>() as BundleReport;
    expect(report).toMatchObject({
      protocol: 'non-extendable',
      preset: 'default',
      data_sha256: expect.any(String),
    });
    expect(report.splits.map(({ seed, seen }) => [seed, seen])).toEqual([
      [0, [0, 1, 2, 3, 4, 5]],
      [1, [0, 1, 2, 3, 4, 5]],
    ]);
    expectFigures(report);
    expect(report.splits.map((split) => split.repeated_test_rows)).toEqual([REPEATED, REPEATED]);
    expect(report.notes.join()).toMatch(
      /Of the measured test rows 2 have the picture or the text of a training row/,
    );
    expect(report.sm?.avg_map).toBeGreaterThan(report.chance.avg_map ?? 1);
    expect(report.metrics.target.map(({ method }) => method)).toEqual([
      'masln',
      'codes',
      'posteriors',
      'cca_part',
      'semantic_part',
      'paper',
      'sm',
      'cca',
      'chance',
    ]);
    const [split] = report.splits;
    expect(split?.train_seconds).toBeGreaterThan(0);
    expect(split?.parts.seen).toMatchObject({ images: 60, texts: 60, classes: 6 });
    const { value, low, high } = report.metrics.target[0]?.avg['map@all'] ?? { value: 0, low: 0, high: 0 };
    expect(low).toBeLessThan(value ?? 0);
    expect(high).toBeGreaterThan(value ?? 1);
    expect(report.gain.cca?.value).toBeCloseTo((report.mean.avg_map ?? 0) - (report.cca.avg_map ?? 0), 9);
  });

  it('extendable: measures unseen classes, and seen classes as well', async () => {
    const result = await evaluate('--protocol', 'extendable', '--json');
    expect(result.code, result.stderr).toBe(0);
    const report = result.json<unknown>() as BundleReport;
    expect(report.splits.map(({ seen, unseen }) => [seen, unseen])).toEqual([
      [
        [0, 2, 4],
        [1, 3, 5],
      ],
      [
        [1, 3, 5],
        [0, 2, 4],
      ],
    ]);
    expectFigures(report);
    expect(report.sm?.avg_map).toBeGreaterThan(0);
    expect(report.metrics.seen?.map(({ method }) => method)).toEqual(
      report.metrics.target.map(({ method }) => method),
    );
    for (const split of report.splits) {
      expect(split.composition.map(({ kind }) => kind)).toEqual(['codes', 'cca', 'posteriors', 'semantic']);
      expect(split.composition.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
      expect(split.chosen.sm_unseen).toMatchObject({ image_l2: expect.any(Number) });
      const { seen, unseen } = split.parts;
      expect((seen?.images ?? 0) + (unseen?.images ?? 0)).toBe(60);
      expect(unseen?.perClass.map(({ seen: known }) => known)).toEqual([false, false, false]);
      const of = (part: typeof seen) => part?.methods[0]?.avg['map@all'].value ?? 0;
      const [s, u] = [of(seen), of(unseen)];
      expect(split.harmonic?.[0]?.avg['map@all'].value).toBeCloseTo((2 * s * u) / (s + u), 9);
      expect(split.avg_map).toBe(u);
    }
  });

  it('gives the same figures for the same seed', async () => {
    const again = () => evaluate('--json', '--no-runs', '--preset', 'paper');
    const [one, two] = await Promise.all([again(), again()]);
    const figures = ({ json }: typeof one) =>
      JSON.stringify(json(), (key, value: unknown) => (key === 'train_seconds' ? 0 : value));
    expect(figures(two)).toBe(figures(one));
  });

  it('prints a table, and writes a run with a report', async () => {
    const { stdout, stderr, code } = await evaluate('--preset', 'paper');
    expect(code).toBe(0);
    const report = /^Report: (.*)$/m.exec(stderr)?.[1] ?? '';
    expect(await readFile(report, 'utf8')).toContain('non-extendable');
    const kept = await readdir(dirname(report));
    expect(kept.sort()).toEqual(
      [
        'checkpoints',
        'config.json',
        'manifest.json',
        'metrics.csv',
        'model-card.md',
        'predictions.jsonl',
        'report.html',
        'run.json',
      ].sort(),
    );
    const checkpoints = await readdir(join(dirname(report), 'checkpoints'));
    expect(checkpoints).toEqual(expect.arrayContaining(['test-paper.encoder']));
    const predictions = (await readFile(join(dirname(report), 'predictions.jsonl'), 'utf8'))
      .trim()
      .split('\n');
    expect(predictions).toHaveLength(120);
    for (const line of [
      /^classes +method +i→t/m,
      /^test +MASLN +\d/m,
      /^ +CCA +\d/m,
      /^ +chance +\d/m,
      /MASLN − CCA: [+−]/,
    ])
      expect(stdout).toMatch(line);
  });

  it('refuses an unusable bundle with one line, and writes no run', async () => {
    const [before, beside] = [await readdir(bundle), await readdir(root)];
    const missing = await cli(['evaluate', '--bundle', join(root, 'none'), '--json']);
    expect([missing.code, missing.json()]).toMatchObject([
      2,
      { error: { code: 'BAD_BUNDLE', field: ['bundle'] } },
    ]);
    const small = await cli(['evaluate', '--bundle', bundle, '--runs', join(root, 'none')]);
    expect(small.code).toBe(2);
    expect(small.stderr).toMatch(/BAD_BUNDLE .*img_train\.npy: it has 72 rows, fewer than a batch of 256/);
    for (const wrong of [
      ['--protocol', 'other'],
      ['--seeds', '1,x'],
      ['--seeds', '2,2'],
      ['--set', 'nothing=1'],
    ])
      expect((await evaluate(...wrong)).code).toBe(2);
    expect(await readdir(bundle)).toEqual(before);
    expect(await readdir(root)).toEqual(beside);
  });
});
