import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EvaluationRecord } from '../../src/domain/evaluation-record.js';
import { METRIC_NAMES } from '../../src/domain/metric-values.js';
import type { PairList } from '../../src/evaluation/pair-table.js';
import { splitOfEncoder } from '../../src/services/encoders/training-pairs.js';
import type { TrainingReport } from '../../src/services/encoders/training-service.js';
import type { EvaluationProgress } from '../../src/services/evaluate/evaluation-service.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';

/** The embedding of the default preset has all four. */
const parts = ['codes', 'posteriors', 'cca_part', 'semantic_part'];
const quick = { paper: false, runs: null };

describe('the evaluation of an encoder on the catalogue', { timeout: 300_000 }, () => {
  let app: TestApp;
  let runs: string;
  let trained: TrainingReport;
  let record: EvaluationRecord;
  const stages = new Set<EvaluationProgress['stage']>();
  const failures: unknown[] = [];

  beforeAll(async () => {
    app = await openTestApp();
    runs = await mkdtemp(join(tmpdir(), 'commonspace-runs-'));
    const keep = (error: unknown) => failures.push(error);
    await app.evaluationJobs.evaluateHere(null).catch(keep);
    await app.evaluations.evaluateEncoder('01a00000-0000-7000-8000-000000000000').catch(keep);
    await ingestShapes(app);
    trained = await app.training.train({ ...QUICK, epochs: 6, unseen: ['ring', 'cross'] });
    record = await app.evaluationJobs.evaluateHere(
      null,
      { runs },
      { onProgress: ({ stage }) => stages.add(stage) },
    );
  }, 300_000);
  afterAll(async () => {
    await app.close();
    await rm(runs, { recursive: true, force: true });
  });

  it('needs an existing encoder', () => {
    expect(failures).toMatchObject([{ code: 'NO_ENCODER' }, { code: 'ENCODER_NOT_FOUND', field: ['id'] }]);
  });

  it('measures held-out pairs of seen and of unseen classes, with the figures that the training reported', () => {
    expect([...stages]).toEqual(['read', 'train', 'cca', 'sm', 'measure', 'describe']);
    expect(record).toMatchObject({
      encoder: trained.encoder,
      preset: 'default',
      source: { pairs: trained.pairs, classes: 3 },
      composition: [{ kind: 'codes' }, { kind: 'cca' }, { kind: 'posteriors' }, { kind: 'semantic' }],
      newContentOnly: true,
      interval: { confidence: 0.95, resamples: 1000 },
      unseen: { images: 24, texts: 24, classes: 2 },
    });
    for (const part of [record.seen, record.unseen]) {
      expect(part?.methods.map(({ method }) => method)).toEqual([
        'masln',
        ...parts,
        'paper',
        'sm',
        'cca',
        'chance',
      ]);
      expect(part?.curves.length).toBeGreaterThan(0);
      const { value, low, high } = part?.methods[0]?.avg['map@all'] ?? { value: 0, low: 0, high: 0 };
      expect(low).toBeLessThanOrEqual(value ?? 0);
      expect(high).toBeGreaterThanOrEqual(value ?? 1);
    }
    // The training reports the same figures on the same pairs, the baselines included.
    const valuesOf = (of: EvaluationRecord | null, part: 'seen' | 'unseen') =>
      ['masln', ...parts, 'cca', 'chance'].flatMap((method) => {
        const figures = of?.[part]?.methods.find((one) => one.method === method);
        return METRIC_NAMES.flatMap((metric) =>
          (['i2t', 't2i', 'avg'] as const).map(
            (direction) => `${method} ${metric} ${direction} ${figures?.[direction][metric].value}`,
          ),
        );
      });
    for (const part of ['seen', 'unseen'] as const) {
      expect(record[part]?.images).toBe(trained.evaluation[part]?.images);
      expect(valuesOf(record, part)).toEqual(valuesOf(trained.evaluation, part));
      expect(valuesOf(record, part).join()).not.toContain('undefined');
    }
    expect(record.classification).toEqual(trained.evaluation.classification);
    expect(trained.evaluation).toMatchObject({ source: record.source, interval: null, newContentOnly: true });
    expect(record.classification).toMatchObject({
      IMAGE: {
        seen: { items: 7, amongAll: { classes: 5 } },
        unseen: { items: 24, amongOwn: { classes: 2 } },
      },
      TEXT: { harmonicMean: expect.any(Number) },
    });
    expect(record.unseen?.perClass.map(({ name, seen: known }) => [name, known]).sort()).toEqual([
      ['cross', false],
      ['ring', false],
    ]);
    expect(record.harmonic?.map(({ method }) => method)).toEqual([
      'masln',
      ...parts,
      'paper',
      'sm',
      'cca',
      'chance',
    ]);
    expect(JSON.parse(JSON.stringify(record))).toEqual(record);
  });

  it('writes a run with a report that shows pictures and curves of both trainings', async () => {
    expect(await readdir(runs)).toEqual([record.run?.slice(runs.length + 1)]);
    const report = await readFile(join(record.run ?? '', 'report.html'), 'utf8');
    expect(report).toContain('data:image/');
    expect(report).toContain(trained.encoder);
    const run = JSON.parse(await readFile(join(record.run ?? '', 'run.json'), 'utf8')) as {
      trainings: { preset: string; epochs: object[] }[];
    };
    expect(run.trainings.map(({ preset }) => preset)).toEqual(['default', 'paper']);
    for (const { epochs } of run.trainings) expect(epochs.length).toBeGreaterThan(0);
  });

  it('gives the same figures again, without the paper and a run if requested, and stores them', async () => {
    const [one, two] = [
      await app.evaluationJobs.evaluateHere(null, quick),
      await app.evaluationJobs.evaluateHere(null, quick),
    ];
    expect(await app.evaluationJobs.latest(two.encoder)).toMatchObject({ state: 'done', record: two });
    const figures = ({ seconds: _s, evaluatedAt: _e, ...rest }: EvaluationRecord) => rest;
    expect(figures(two)).toEqual(figures(one));
    expect(one.run).toBeNull();
    expect(one.seen?.methods.map(({ method }) => method)).toEqual(['masln', ...parts, 'sm', 'cca', 'chance']);
  });

  it('never measures on a training pair, even if pairs were added later', async () => {
    const before = await app.evaluationJobs.evaluateHere(null, quick);
    const items = await Promise.all(
      (['circle', 'square', 'ring'] as const).flatMap((shape) =>
        [20, 21, 22, 23].map(async (size) => {
          const pairKey = `${shape}-${size}`;
          const png = await drawShape(shape, 'green', size);
          const common = { pairKey, classes: [shape] };
          return [
            { ...common, content: { bytes: png }, externalId: `${pairKey}.png` },
            { ...common, content: { text: `a ${shape} ${size} wide` }, externalId: `${pairKey}.txt` },
          ];
        }),
      ),
    );
    await app.ingest.ingest(items.flat());
    const after = await app.evaluationJobs.evaluateHere(null, quick);
    expect(after.unseen?.images).toBe((before.unseen?.images ?? 0) + 4);
    // Of the eight pairs of seen classes, those with a bucket below the bound count as held out.
    const more = (after.seen?.images ?? 0) - (before.seen?.images ?? 0);
    expect(more).toBeGreaterThanOrEqual(0);
    expect(after.source.pairs).toBe(before.source.pairs + 8 - more);
  });

  it('never measures content of the training set under another id', async () => {
    const row = await app.encoders.require(trained.encoder);
    const before = await splitOfEncoder(app.catalog, row);
    const [trainedPair, heldPair] = [before.source.pairs[0], before.seen.pairs[0]];
    const contentOf = async (id: string | undefined) => {
      const item = await app.catalog.items.byId(id ?? '');
      if (item?.modality === 'TEXT') return { text: item.text };
      return { bytes: await app.store.image(item?.contentHash ?? '').read() };
    };
    // Copies of training items, in new pairs of an unseen and of a seen class.
    const copies = ['ring', 'square'].flatMap((shape, i) =>
      [6, 7, 8, 9].map(async (size) => {
        const common = { pairKey: `copy-${shape}-${size}`, classes: [shape] };
        const fresh = { bytes: await drawShape('cross', 'purple', 4 * i + size) };
        const picture = size % 2 === 0 ? await contentOf(trainedPair?.imageId) : fresh;
        const text =
          size % 2 === 0 ? { text: `copy ${shape} ${size}` } : await contentOf(trainedPair?.textId);
        return [
          { ...common, externalId: `copy-${shape}-${size}.png`, content: picture },
          { ...common, externalId: `copy-${shape}-${size}.txt`, content: text },
        ];
      }),
    );
    const ingested = await app.ingest.ingest((await Promise.all(copies)).flat());
    expect(ingested.map(({ status }) => status)).not.toContain('FAILED');
    const split = await splitOfEncoder(app.catalog, row);
    expect(split.repeated).toBeGreaterThanOrEqual(before.repeated + 4);
    expect(split.unseen.pairs.length).toBe(before.unseen.pairs.length);
    expect(split.seen.pairs).toContainEqual(heldPair);
    const hashesOf = async (tables: readonly PairList[]) => {
      const ids = tables.flatMap(({ pairs }) => pairs.flatMap(({ imageId, textId }) => [imageId, textId]));
      const items = await Promise.all([...new Set(ids)].map((id) => app.catalog.items.byId(id)));
      return new Set(items.map((item) => item?.contentHash));
    };
    const trainedHashes = await hashesOf([split.source]);
    const measuredHashes = await hashesOf([split.seen, split.unseen]);
    expect([...measuredHashes].filter((hash) => trainedHashes.has(hash))).toEqual([]);
    const record = await app.evaluationJobs.evaluateHere(null, quick);
    expect(record.notes.join()).toContain(`${split.repeated} pairs outside the training set`);
    expect(record.unseen?.images).toBe(split.unseen.pairs.length);
  });

  it('can be cancelled', async () => {
    const stop = new AbortController();
    const work = app.evaluationJobs.evaluateHere(null, quick, {
      signal: stop.signal,
      onProgress: ({ stage }) => stage === 'cca' && stop.abort(),
    });
    await expect(work).rejects.toMatchObject({ code: 'CANCELLED' });
  });

  it('refuses an encoder without held-out pairs', async () => {
    const all = await app.training.train({ ...QUICK, epochs: 2, holdout: 0, activate: false });
    await expect(app.evaluations.evaluateEncoder(all.encoder, quick)).rejects.toMatchObject({
      code: 'NO_PAIRS',
      message: expect.stringContaining('--holdout'),
    });
  });
});
