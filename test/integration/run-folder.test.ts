import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { METRIC_NAMES } from '../../src/domain/metric-values.js';
import type { Prediction } from '../../src/evaluation/space/predictions.js';
import { collectManifest, gitCommit, hashData, hashFiles } from '../../src/reports/manifest.js';
import { newRunId, openRunFolder } from '../../src/reports/run-folder.js';
import type { RunRecord } from '../../src/reports/run-record.js';
import { runRecord, spaceDescription, tableRow } from '../factories/run-record.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-runs-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const { predictions } = spaceDescription();

async function writeRun(runs: string, record: RunRecord, rows: Iterable<Prediction>): Promise<string> {
  const opened = await openRunFolder(runs, record.id);
  return opened.finish(record, rows);
}

describe('the folder of a run', () => {
  it('has all files of a run', async () => {
    const record = runRecord();
    const path = await writeRun(join(folder, 'runs'), record, predictions);
    expect(path).toBe(join(folder, 'runs', record.id));
    expect((await readdir(path)).sort()).toEqual([
      'checkpoints',
      'config.json',
      'manifest.json',
      'metrics.csv',
      'model-card.md',
      'predictions.jsonl',
      'report.html',
      'run.json',
    ]);
    const read = (name: string) => readFile(join(path, name), 'utf8');
    expect(JSON.parse(await read('run.json'))).toEqual(record);
    expect(JSON.parse(await read('config.json'))).toMatchObject({
      preset: 'default',
      options: { epochs: 3 },
    });
    expect(JSON.parse(await read('manifest.json'))).toMatchObject(record.manifest);
    expect(await read('report.html')).toContain('<!doctype html>');
    expect(await read('model-card.md')).toMatch(/^# /);
  });

  it('replaces old temporary folders of killed processes, and no other folder', async () => {
    const killed = '.earlier.0c5a4b1e-1111-4222-8333-0123456789ab';
    const going = '.other.0c5a4b1e-1111-4222-8333-0123456789ac';
    for (const name of [killed, going, '.mine', 'earlier-run'])
      await mkdir(join(folder, name, 'checkpoints'), { recursive: true });
    const longAgo = new Date('2020-01-01');
    for (const name of [killed, '.mine', 'earlier-run']) await utimes(join(folder, name), longAgo, longAgo);
    const { discard } = await openRunFolder(folder, 'new');
    await discard();
    expect((await readdir(folder)).sort()).toEqual(['.mine', going, 'earlier-run'].sort());
  });

  it('has the metrics of the record', async () => {
    const record = runRecord({
      table: [tableRow('masln', 0.3, { set: 'a "set", of mine' }), tableRow('chance', 0.1)],
    });
    const path = await writeRun(folder, record, []);
    const [header, ...lines] = (await readFile(join(path, 'metrics.csv'), 'utf8')).trimEnd().split('\n');
    expect(header).toBe('set,classes,method,direction,metric,value,low,high');
    expect(lines).toHaveLength(2 * 3 * METRIC_NAMES.length);
    expect(lines[0]).toBe('"a ""set"", of mine",seen,masln,i2t,map@all,0.31,0.29,0.33');
    expect(lines.at(-1)).toBe('test,seen,chance,avg,median_rank,0.1,,');
  });

  it('has one line for each query', async () => {
    const path = await writeRun(folder, runRecord(), predictions);
    const text = await readFile(join(path, 'predictions.jsonl'), 'utf8');
    const lines = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Prediction);
    expect(lines).toEqual(predictions);
    expect(lines).toHaveLength(48);
    const aps = lines.filter(({ direction }) => direction === 'i2t').map(({ ap }) => ap as number);
    const classes = runRecord().spaces[0]?.perClass ?? [];
    const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;
    expect(mean(aps)).toBeCloseTo(mean(classes.map(({ i2tAp }) => i2tAp as number)), 12);
  });

  it('keeps checkpoints, and appears only when it is complete', async () => {
    const run = await openRunFolder(folder, 'a-run');
    await writeFile(join(run.checkpoints, 'latest.ckpt'), 'bytes');
    expect((await readdir(folder)).every((name) => name.startsWith('.'))).toBe(true);
    const path = await run.finish(runRecord(), predictions);
    expect(await readdir(folder)).toEqual(['a-run']);
    expect(await readFile(join(path, 'checkpoints', 'latest.ckpt'), 'utf8')).toBe('bytes');
    await run.discard();
    expect(await readdir(folder)).toEqual(['a-run']);
  });

  it('leaves no files after an error or a discard', async () => {
    const failing = function* (): Generator<Prediction> {
      yield predictions[0] as Prediction;
      throw new Error('the disk is full');
    };
    await expect(writeRun(folder, runRecord(), failing())).rejects.toThrow('disk is full');
    const run = await openRunFolder(folder, 'a-run');
    await run.discard();
    await expect((await openRunFolder(folder, 'another')).finish(runRecord(), [])).rejects.toMatchObject({
      code: 'BAD_INPUT',
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is never overwritten, and never written outside its parent folder', async () => {
    await writeRun(folder, runRecord(), []);
    await expect(writeRun(folder, runRecord(), [])).rejects.toMatchObject({ code: 'BAD_INPUT' });
    const late = await openRunFolder(folder, 'late');
    await mkdir(join(folder, 'late', 'x'), { recursive: true });
    await expect(late.finish(runRecord({ id: 'late' }), [])).rejects.toMatchObject({ code: 'BAD_INPUT' });
    for (const id of ['..', '../a', 'a/b', '', '.hidden', 'a\0']) {
      await expect(openRunFolder(folder, id)).rejects.toMatchObject({ code: 'BAD_INPUT' });
    }
    expect((await readdir(folder)).sort()).toEqual(['a-run', 'late']);
    await writeFile(join(folder, 'file'), '');
    await expect(openRunFolder(join(folder, 'file'), 'a')).rejects.toMatchObject({
      code: 'DATA_FOLDER_NOT_WRITABLE',
    });
  });

  it('has an id with time and title', () => {
    expect(newRunId('2026-11-23T23:30:05.120Z', ['Wiki/pedia', 'extendable'])).toMatch(
      /^20261123-233005-Wiki-pedia-extendable-[0-9a-f]{4}$/,
    );
  });
});

describe('a manifest', () => {
  it('has code, packages and machine', async () => {
    const data = hashData(['a']);
    const manifest = await collectManifest({ data, seeds: [1], backend: 'wasm', command: null });
    expect(manifest).toMatchObject({
      code: { name: 'commonspace' },
      node: process.versions.node,
      seeds: [1],
      data,
    });
    expect(Object.keys(manifest.packages)).toContain('ml-matrix');
    expect(manifest.packages['@tensorflow/tfjs-core']).toMatch(/^\d+\./);
  });

  it('reads the commit of a repository, packed, in a worktree and detached', async () => {
    const git = (cwd: string, ...args: string[]) =>
      execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@example.org', ...args], {
        cwd,
        encoding: 'utf8',
      }).trim();
    const main = join(folder, 'main');
    await mkdir(main);
    git(main, 'init', '-q');
    git(main, 'commit', '-q', '--allow-empty', '-m', 'first');
    const head = git(main, 'rev-parse', 'HEAD');
    expect(await gitCommit(join(main, '.git'))).toBe(head);
    git(main, 'worktree', 'add', '-q', '-b', 'side', join(folder, 'side'));
    expect(await gitCommit(join(folder, 'side', '.git'))).toBe(head);
    git(main, 'pack-refs', '--all');
    expect(await gitCommit(join(main, '.git'))).toBe(head);
    expect(await gitCommit(join(folder, 'side', '.git'))).toBe(head);
    git(main, 'checkout', '-q', '--detach');
    expect(await gitCommit(join(main, '.git'))).toBe(head);
    expect(await gitCommit(join(folder, 'nowhere', '.git'))).toBeNull();
  });

  it('has a hash that depends only on the data', async () => {
    await writeFile(join(folder, 'b.npy'), 'two');
    await writeFile(join(folder, 'a.npy'), 'one');
    const paths = [join(folder, 'b.npy'), join(folder, 'a.npy')];
    const { sha256, files } = await hashFiles(paths);
    expect(files.map(({ name, bytes }) => [name, bytes])).toEqual([
      ['a.npy', 3],
      ['b.npy', 3],
    ]);
    expect(files[0]?.sha256).toBe('7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed');
    expect((await hashFiles(paths.toReversed())).sha256).toBe(sha256);
    expect(hashData(['ab', 'c']).sha256).not.toBe(hashData(['a', 'bc']).sha256);
    expect(hashData([Float32Array.of(1, 2).subarray(1)])).toEqual(hashData([Float32Array.of(2)]));
  });
});
