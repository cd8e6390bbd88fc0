import { existsSync, mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { heldOutSummary } from '../../src/cli/held-out-summary.js';
import { LOCAL } from '../../src/domain/access.js';
import { type PairFile, readPairFile } from '../../src/services/encoders/pair-file.js';
import { splitOfEncoder, storedSplitOfEncoder } from '../../src/services/encoders/training-pairs.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';

const code = (expected: string, field?: readonly string[]) =>
  expect.objectContaining({ code: expected, ...(field && { field }) });

describeOnEachKind('training', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(() => app.close());
  beforeEach(() => emptyCatalog(app.catalog));

  it('trains, measures on held-out pairs, embeds the catalogue and activates the encoder', async () => {
    await ingestShapes(app);
    const first = await app.training.train({ ...QUICK, unseen: ['ring'] });
    expect(first).toMatchObject({ pairs: 38, classes: 4 });
    const { seen = null, unseen = null } = heldOutSummary(first.evaluation) ?? {};
    expect(seen).toMatchObject({ images: 10, texts: 10 });
    expect(unseen).toMatchObject({ images: 12, texts: 12 });
    for (const part of [seen, unseen]) {
      expect(part?.i2t_map).toBeGreaterThan(0);
      expect(part?.cca['recall@10']).toBeGreaterThan(0);
      expect(part?.chance['recall@10']).toBeCloseTo(10 / (part?.images ?? 0), 6);
    }
    // Within one class every item is relevant in any order.
    expect(unseen?.chance.i2t_map).toBeCloseTo(1, 6);

    const parts = await app.encoders.parts(await app.encoders.require(first.encoder));
    expect(parts).toEqual(first.evaluation?.composition);
    expect(parts.map(({ kind }) => kind)).toEqual(['codes', 'cca', 'posteriors', 'semantic']);
    expect(first.evaluation?.seen?.methods.map(({ method }) => method)).toEqual([
      'masln',
      'codes',
      'posteriors',
      'cca_part',
      'semantic_part',
      'cca',
      'chance',
    ]);

    const second = await app.training.train({ ...QUICK, preset: 'paper', force: true });
    expect(await app.encoders.parts(await app.encoders.require(second.encoder))).toEqual([
      { kind: 'codes', share: 1 },
    ]);
    expect((await app.training.active())?.id).toBe(second.encoder);
    expect(await app.training.activeReport()).toMatchObject({
      encoder: second.encoder,
      pairs: 48,
      evaluation: second.evaluation,
    });
    const states = (await app.catalog.encoders.list()).map(({ id, state }) => [id, state]);
    expect(states).toEqual([
      [second.encoder, 'active'],
      [first.encoder, 'retired'],
    ]);
    for (const encoder of [first.encoder, second.encoder]) {
      for (const modality of ['IMAGE', 'TEXT'] as const) {
        let embedded = 0;
        for await (const { ids } of app.catalog.vectors.embeddingsOf(encoder, modality))
          embedded += ids.length;
        expect(embedded).toBe(60);
      }
    }
    expect([...(await app.classes.seenIds())]).toHaveLength(5);
  });

  const files = existsSync('/dev/full') ? ['all.pairs', 'stored.pairs', 'training.text.rows'] : [];
  it.each(files)('fails when the disk is full at %s, and searches go on', async (file) => {
    await ingestShapes(app);
    const rowsOf = (id: string) => join(app.runs, id, 'rows');
    let run = '';
    const training = app.training.train(QUICK, {
      onStart: (id) => {
        run = id;
        mkdirSync(rowsOf(id), { recursive: true });
        // Writes to this device fail as they do on a full disk.
        symlinkSync('/dev/full', join(rowsOf(id), file));
      },
    });
    await expect(training).rejects.toMatchObject({ code: 'DISK_FULL' });
    expect(existsSync(join(app.runs, run))).toBe(false);
    expect(await app.encoders.byId(run)).toBeNull();
    const page = await app.search.search({
      query: { text: 'red ring' },
      target: 'IMAGE',
      by: ['LEXICAL'],
      filter: null,
      first: 5,
      after: null,
      minScore: null,
    });
    expect(page.results.length).toBeGreaterThan(0);
  });

  it('splits pairs in files as it splits pairs in memory, also where only some images may be trained on', async () => {
    await ingestShapes(app);
    const { image, text } = app.features;
    const folder = join(app.runs, 'split');
    const readAll = async (file: PairFile) => {
      const chunks = [];
      for await (const chunk of readPairFile(file)) chunks.push(chunk);
      return chunks.flatMap(({ pairs }) => pairs);
    };
    for (const learnFrom of [null, { classNames: ['circle', 'square', 'ring'] }]) {
      const config = { seed: 2, unseen: ['ring'], learnFrom, heldOutBelow: 2 ** 47, seenClassIds: [] };
      const row = { config, imageExtractor: image.id, textExtractor: text.id };
      const whole = await splitOfEncoder(app.catalog, row);
      const stored = await storedSplitOfEncoder(app.catalog, row, null, { folder });
      expect(await readAll(stored.source)).toEqual(whole.source.pairs);
      expect(stored.seen.pairs).toEqual(whole.seen.pairs);
      expect(stored.unseen.pairs).toEqual(whole.unseen.pairs);
      expect(stored.heldOut.seen).toBeGreaterThan(learnFrom === null ? 0 : 20);
      expect(stored.source.lines).toBeGreaterThan(0);
    }
    rmSync(folder, { recursive: true });
  });

  it('continues a version with pairs that were added, on its own held-out pairs', async () => {
    await ingestShapes(app);
    const first = await app.training.train({ ...QUICK, seed: 3, unseen: ['ring'] });
    const row = await app.encoders.require(first.encoder);
    const late = await drawShape('cross', 'purple', 9);
    await app.ingest.ingest([
      { content: { bytes: late }, externalId: 'late.png', pairKey: 'late', classes: ['plus'] },
      { content: { text: 'a purple plus' }, externalId: 'late.txt', pairKey: 'late', classes: ['plus'] },
    ]);
    const second = await app.training.train({ ...QUICK, from: first.encoder, epochs: null, force: true });
    const continued = await app.encoders.require(second.encoder);
    expect(continued.config).toMatchObject({
      from: first.encoder,
      seed: 3,
      unseen: ['ring'],
      heldOutBelow: row.config.heldOutBelow,
      epochs: Math.ceil(Number(row.config.epochs) / 4),
    });
    expect(continued.request).toMatchObject({ from: first.encoder, seed: 3 });
    // The new pair is a training pair or held out, by its bucket; no earlier training pair is held out now.
    expect(second.pairs - first.pairs).toBeLessThanOrEqual(1);
    expect(second.pairs).toBeGreaterThanOrEqual(first.pairs);
    expect(second.activated).toBe(true);

    const fail = (request: object) => app.training.train({ ...QUICK, from: first.encoder, ...request });
    await expect(fail({ from: 'nothing' })).rejects.toEqual(code('ENCODER_NOT_FOUND', ['from']));
    await expect(fail({ options: { imageHidden: [7] } })).rejects.toEqual(code('BAD_INPUT', ['from']));
    const queued = await app.training.enqueue({ ...QUICK, from: null });
    await expect(fail({ from: queued.id })).rejects.toEqual(code('ENCODER_STATE', ['from']));
  });

  it('embeds items that are ingested meanwhile and skips items that are deleted meanwhile', async () => {
    await ingestShapes(app);
    const late = await drawShape('ring', 'purple', 9);
    let meanwhile: Promise<unknown> | null = null;
    const gone = await app.items.byExternalId('big-red-ring.png');
    await app.training.train(
      { ...QUICK, epochs: 2 },
      {
        onProgress: ({ stage }) => {
          if (stage !== 'embed') return;
          meanwhile ??= app.ingest
            .ingest([{ content: { bytes: late }, externalId: 'late.png' }])
            .then(() => app.items.delete([gone?.id ?? '']));
        },
      },
    );
    await meanwhile;
    const page = await app.search.search({
      query: { bytes: late },
      target: 'IMAGE',
      by: ['CONTENT'],
      filter: null,
      first: 100,
      after: null,
      minScore: null,
    });
    expect(page.results[0]?.item.externalId).toBe('late.png');
    expect(page.results).toHaveLength(60);
  });

  const extractions = async () =>
    (await app.jobs.page({ states: null, kinds: ['EXTRACTION'] }, 10, null)).edges.map(({ node }) => node);

  it('extracts missing features first, by a job; those that are lost later are extracted again', async () => {
    await app.catalog.database.runOnce('TRUNCATE job, job_failure');
    await ingestShapes(app);
    await app.catalog.database.runOnce(
      'DELETE FROM feature WHERE item_id IN (SELECT id FROM item ORDER BY id LIMIT 50)',
    );
    const seen: number[] = [];
    const report = await app.training.train(
      { ...QUICK, holdout: 0, epochs: 2 },
      {
        onProgress: (event) => {
          // Then those of further texts are extracted.
          if (event.stage === 'features' && event.of === undefined) seen.push(event.done);
        },
      },
    );
    expect(report.pairs).toBe(60);
    expect(seen.at(-1)).toBe(50);
    const succeeded = { kind: 'EXTRACTION', state: 'succeeded', requestedBy: 'server' };
    const counts = { total: 50, done: 50, failed: 0, skipped: 0 };
    expect(await extractions()).toMatchObject([
      { ...succeeded, ...counts, message: '50 features extracted, 0 items embedded.' },
    ]);

    const images = (await app.items.page({ modality: 'IMAGE' }, 3, null)).items.map(({ item }) => item);
    const [lost = ''] = images.map(({ contentHash }) => contentHash);
    const bytes = await app.store.use(lost, async (read) => Buffer.from(read));
    await app.store.remove(lost);
    for (const table of ['feature', 'embedding'])
      await app.catalog.database.run(`DELETE FROM ${table} WHERE item_id = ANY($1::uuid[])`, [
        images.map(({ id }) => id),
      ]);
    const embedded = async () => {
      let count = 0;
      for await (const { ids } of app.catalog.vectors.embeddingsOf(report.encoder, 'IMAGE'))
        count += ids.length;
      return count;
    };
    await app.upkeep.complete();
    expect(await embedded()).toBe(59);
    const [failed] = await extractions();
    expect(failed).toMatchObject({ ...succeeded, total: 3, done: 2, failed: 1, skipped: 0 });
    const { edges } = await app.jobs.failures(failed?.id ?? '', 10, null);
    expect(edges.map(({ node }) => [node.reference, node.code])).toEqual([
      [images[0]?.externalId, 'MEDIA_NOT_FOUND'],
    ]);
    await app.upkeep.complete();
    expect(await extractions()).toHaveLength(2);

    await app.media.upload(bytes);
    app.jobRunner.start(1);
    const retried = await app.jobs.retry(failed?.id ?? '', LOCAL);
    await expect.poll(async () => (await app.jobs.require(retried.id)).state).toBe('succeeded');
    expect(await app.jobs.require(retried.id)).toMatchObject({ total: 1, done: 1 });
    expect(await embedded()).toBe(60);
  });

  it('stops if the extraction that it needs is cancelled', async () => {
    await app.catalog.database.runOnce('TRUNCATE job, job_failure');
    await ingestShapes(app);
    await app.catalog.database.runOnce('TRUNCATE feature');
    let cancelling: Promise<unknown> | null = null;
    const cancel = async () => app.jobs.cancel((await extractions())[0]?.id ?? '', LOCAL);
    const training = app.training.train(QUICK, {
      onProgress: ({ stage }) => {
        if (stage === 'features') cancelling ??= cancel();
      },
    });
    await expect(training).rejects.toEqual(code('CANCELLED'));
    await cancelling;
    expect(await extractions()).toMatchObject([{ state: 'cancelled', total: 120, done: 60 }]);
    expect(await app.catalog.encoders.list()).toEqual([]);
  });

  it('goes back into the queue with the extraction that it waits for when the process stops', async () => {
    await app.catalog.database.runOnce('TRUNCATE job, job_failure');
    await ingestShapes(app);
    await app.catalog.database.runOnce('TRUNCATE feature');
    const { use } = app.store;
    let reach = () => {};
    const reached = new Promise<void>((resolve) => {
      reach = resolve;
    });
    app.store.use = (_hash, _work, signal) =>
      new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason));
        reach();
      });
    const { id } = await app.training.enqueue(QUICK);
    app.trainingRunner.start();
    await reached;
    app.store.use = use;
    await app.restart();
    expect(await app.encoders.byId(id)).toMatchObject({ state: 'queued' });
    expect(await extractions()).toMatchObject([{ state: 'queued', total: 120, done: 0 }]);
    expect(app.unexpected).toEqual([]);
  });

  it('stops when it is cancelled, and leaves no encoder', async () => {
    await ingestShapes(app);
    const stop = new AbortController();
    const work = app.training.train(
      { ...QUICK, epochs: 500 },
      { signal: stop.signal, onProgress: ({ stage }) => stage === 'train' && stop.abort() },
    );
    await expect(work).rejects.toEqual(code('CANCELLED'));
    expect(await app.catalog.encoders.list()).toEqual([]);
    expect(await app.training.active()).toBeNull();
  });

  it('refuses a request that cannot be trained, naming the field', async () => {
    const missing = async (pattern: RegExp, request = QUICK) => {
      await expect(app.training.train(request)).rejects.toEqual(code('NO_PAIRS'));
      await expect(app.training.train(request)).rejects.toThrow(pattern);
    };
    await missing(/has no items/);
    await app.ingest.ingest([{ content: { text: 'a lonely caption' }, externalId: 'lonely' }]);
    await missing(/has no images/);
    await app.ingest.ingest([
      { content: { bytes: await drawShape('ring', 'red') }, externalId: 'lonely.png' },
    ]);
    await missing(/1 images and 1 texts, but none share a pair key/);
    await ingestShapes(app);
    await expect(app.training.train({ ...QUICK, unseen: ['nope'] })).rejects.toEqual(
      code('UNKNOWN_CLASS', ['unseen']),
    );
    await expect(app.training.train({ ...QUICK, holdout: 1 })).rejects.toEqual(
      code('BAD_INPUT', ['holdout']),
    );
    await expect(app.training.train({ ...QUICK, epochs: 0 })).rejects.toEqual(code('BAD_INPUT'));
    const all = ['circle', 'cross', 'ring', 'square', 'triangle'];
    await missing(/of the 60 in the catalogue 0 are left for training/, { ...QUICK, unseen: all });
    expect(await app.catalog.encoders.list()).toEqual([]);
  });
});
