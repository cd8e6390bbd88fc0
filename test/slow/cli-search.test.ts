import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { drawShape } from '../factories/shapes.js';
import type { CliResult } from '../support/cli.js';
import { command } from '../support/command.js';
import { writeShapesFolder } from '../support/shapes-folder.js';

describe('the command, with a trained catalogue', () => {
  let root: string;
  let data: string;
  let trained: CliResult;

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'commonspace-cli-search-'));
    data = join(root, 'data');
    const folder = join(root, 'shapes');
    await writeShapesFolder(folder);
    await command(['ingest', folder, '--data', data]);
    const options = ['--seed', '1', '--epochs', '10', '--holdout', '0.2', '--unseen', 'ring'];
    trained = await command(['train', '--data', data, '--json', ...options]);
  });
  afterAll(() => rm(root, { recursive: true, force: true }));

  it('shows an encoder: what an embedding consists of, and its figures with those of its parts', async () => {
    const { encoder } = trained.json() as { encoder: string };
    const shown = await command(['encoders', 'show', encoder, '--data', data]);
    expect(shown.code, shown.stderr).toBe(0);
    expect(shown.stdout).toMatch(
      /An embedding of MASLN consists of [\d.]+ % network codes, [\d.]+ % CCA, [\d.]+ % class posteriors, [\d.]+ % map to class embeddings\./,
    );
    for (const method of ['codes alone', 'posteriors alone', 'CCA part alone', 'semantic part alone'])
      expect(shown.stdout).toContain(method);
    const { parts } = (await command(['encoders', 'show', encoder, '--data', data, '--json'])).json() as {
      parts: { kind: string; share: number }[];
    };
    expect(parts.map(({ kind }) => kind)).toEqual(['codes', 'cca', 'posteriors', 'semantic']);
    expect(parts.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
    const missing = await command([
      'encoders',
      'show',
      '01a00000-0000-7000-8000-000000000000',
      '--data',
      data,
    ]);
    expect(missing.code).toBe(2);
    expect(missing.stderr).toMatch(/No encoder has this id/);
  });

  it('explains results, searches by a class, and cuts off dissimilar items', async () => {
    const base = ['--data', data, '--by', 'content', '--first', '5'];
    const explained = await command(['search', 'a big red circle', ...base, '--explain', '--json']);
    const { results } = explained.json() as {
      results: { score: number; explanation: { similarity: number; classes: object[]; pairs: object[] } }[];
    };
    expect(results).toHaveLength(5);
    for (const { score, explanation } of results) {
      expect(explanation.similarity).toBeCloseTo(score, 5);
      expect(explanation.classes.length).toBeGreaterThan(1);
      expect(explanation.pairs).toHaveLength(3);
    }
    const shown = await command(['search', '--like-class', 'ring', ...base, '--explain']);
    expect(shown.stdout).toMatch(/ class ring\n/);
    expect(shown.stdout).toMatch(/ training pair: img\/.*\.png – a /);

    const [first, , third] = results.map(({ score }) => score);
    const near = await command([
      'search',
      'a big red circle',
      ...base,
      '--json',
      '--min-score',
      String(third),
    ]);
    expect((near.json() as { results: { score: number }[] }).results[0]?.score).toBe(first);
    const auto = await command([
      'search',
      'a big red circle',
      ...base,
      '--json',
      '--first',
      '100',
      '--min-score',
      'auto',
    ]);
    const kept = (auto.json() as { results: { score: number }[] }).results;
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.length).toBeLessThan(60);
  });

  it('searches by an image, within classes and for a modality', async () => {
    const picture = join(root, 'query.png');
    await writeFile(picture, await drawShape('cross', 'green', 26));
    const texts = await command(['search', '--image', picture, '--data', data, '--json', '--first', '5']);
    // The held-out pairs are random and the training pairs few, so the first result may have another colour.
    expect(texts.json<{ results: unknown[] }>().results).toContainEqual(
      expect.objectContaining({
        modality: 'TEXT',
        text: 'a big green cross',
        file: 'img/big-green-cross.png',
      }),
    );
    const among = await command([
      'search',
      '--image',
      picture,
      '--target',
      'image',
      '--class',
      'square',
      'ring',
      '--data',
      data,
      '--json',
    ]);
    const { results } = among.json<{ results: { classes: string[]; modality: string }[] }>();
    expect(results).toHaveLength(10);
    expect(
      results.every(
        ({ classes, modality }) => modality === 'IMAGE' && ['square', 'ring'].includes(classes[0] ?? ''),
      ),
    ).toBe(true);
  });

  it('exits with 7 if a check of the doctor finds an error', async () => {
    const media = join(data, 'media');
    const files = await readdir(media, { recursive: true });
    const picture = join(media, files.find((name) => /[0-9a-f]{64}$/.test(name)) ?? '');
    await rename(picture, join(root, 'away'));
    const failed = await command(['doctor', '--data', data]);
    await rename(join(root, 'away'), picture);
    expect([failed.code, failed.stdout]).toEqual([
      7,
      expect.stringMatching(/media +ERROR +the bytes of 1 of 60/),
    ]);
  });

  it('evaluates the active encoder on its held-out pairs, and writes a report', async () => {
    const runs = join(root, 'runs');
    const evaluated = await command(['evaluate', '--data', data, '--no-paper', '--runs', runs, '--json']);
    expect(evaluated.code, evaluated.stderr).toBe(0);
    const report = evaluated.json<{ seen: Record<string, unknown>; run: string }>();
    expect(report).toMatchObject({
      protocol: 'held-out',
      encoder: trained.json().encoder,
      seen: { i2t_map: expect.any(Number), cca: { avg_map: expect.any(Number) }, paper: null },
      unseen: { avg_map: expect.any(Number), chance: { avg_map: expect.any(Number) } },
      harmonic: { avg_map: expect.any(Number) },
      evaluation: { seen: { images: 10 }, unseen: { images: 12 } },
    });
    expect(await readFile(join(report.run, 'report.html'), 'utf8')).toContain('<html');

    const misplaced = await command(['evaluate', '--data', data, '--seeds', '1', '--json']);
    expect([misplaced.code, misplaced.json()]).toMatchObject([
      2,
      { error: { code: 'BAD_INPUT', field: ['seeds'] } },
    ]);
  });
});
