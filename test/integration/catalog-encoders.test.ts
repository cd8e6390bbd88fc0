import { v7 as uuidv7 } from 'uuid';
import { beforeEach, describe, expect, it } from 'vitest';
import { ClaimLost } from '../../src/catalog/repositories/encoder-runs.js';
import { SwitchRefused } from '../../src/catalog/repositories/encoders.js';
import { EncodersChanged } from '../../src/catalog/repositories/item-writes.js';
import { describeOnEachDatabase, emptyCatalog } from '../support/catalog.js';
import { imageWrite, textWrite } from '../support/catalog-items.js';

const REQUEST = {
  preset: 'default' as const,
  seed: 1,
  unseen: ['a'],
  holdout: 0.1,
  epochs: null,
  learnFrom: { metadata: { source: 'x' }, createdAfter: new Date('2025-01-01T00:00:00.000Z') },
};

describeOnEachDatabase('encoders, classes and media of the catalogue', (catalog) => {
  beforeEach(() => emptyCatalog(catalog()));

  describe('encoders', () => {
    const row = (differing: object = {}) => ({
      id: uuidv7(),
      dimension: 64,
      imageExtractor: 'i@1',
      textExtractor: 't@1',
      config: { seed: 1 },
      report: {},
      ...differing,
    });

    it('are stored with their weights, which are read back unchanged', async () => {
      const { encoders } = catalog();
      const weights = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 7) % 251);
      const given = row({ report: { map: 0.5, nested: { at: [1, 2] } } });
      const stored = await encoders.create(given, weights);
      expect(stored).toMatchObject({ ...given, state: 'ready', createdAt: expect.any(Date) });
      expect(Buffer.compare(await encoders.weights(given.id), weights)).toBe(0);
      expect(await encoders.byId(given.id)).toEqual(stored);
      expect(await encoders.byId(uuidv7())).toBeNull();
      await expect(encoders.weights(uuidv7())).rejects.toThrow('no weights');
    });

    it('with damaged weights are refused', async () => {
      const { encoders, database } = catalog();
      const given = row();
      await encoders.create(given, Uint8Array.of(1, 2, 3));
      await database.runOnce(`UPDATE encoder_weights SET bytes = '\\x010204' WHERE encoder_id = $1`, [
        given.id,
      ]);
      await expect(encoders.weights(given.id)).rejects.toThrow('damaged');
    });

    it('are activated one at a time, and an earlier one can be activated again', async () => {
      const { encoders, database } = catalog();
      const [first, second] = [row(), row()];
      await encoders.create(first, new Uint8Array());
      await encoders.create(second, new Uint8Array());
      expect(await encoders.active()).toBeNull();
      const states = async () => new Map((await encoders.list()).map(({ id, state }) => [id, state]));
      for (const [on, off] of [
        [first, second],
        [second, first],
        [first, second],
      ] as const) {
        expect(await encoders.activate(on.id)).toMatchObject({ id: on.id, state: 'active' });
        const active = await encoders.active();
        expect(active).toEqual(await encoders.byId(on.id));
        expect((await states()).get(off.id)).not.toBe('active');
      }
      expect(await states()).toEqual(
        new Map([
          [first.id, 'active'],
          [second.id, 'retired'],
        ]),
      );
      await encoders.activate(first.id);
      expect((await encoders.active())?.id).toBe(first.id);
      await expect(encoders.activate(uuidv7())).rejects.toThrow();
      expect((await encoders.active())?.id).toBe(first.id);
      const two = database.runOnce(`UPDATE encoder SET state = 'active'`);
      await expect(two).rejects.toMatchObject({ constraint: 'encoder_one_active_key' });
    });

    it('that are live get an embedding of every new item, and others get none', async () => {
      const { encoders, items, vectors } = catalog();
      const [active, ready] = [row({ dimension: 2 }), row({ dimension: 2 })];
      await encoders.create(active, new Uint8Array());
      await encoders.activate(active.id);
      const vector = Float32Array.of(1, 0);
      const features = new Map([['t@1', vector]]);
      const known = textWrite('x', { features, embeddings: new Map([[active.id, vector]]) });
      await items.upsertMany([known]);
      await encoders.create(ready, new Uint8Array());
      // A writer that does not know the new encoder yet writes nothing.
      await expect(items.upsertMany([{ ...known, title: 'again' }])).rejects.toThrow(EncodersChanged);
      expect((await items.byId(known.id))?.title).toBeNull();
      const gone = uuidv7();
      const embeddings = new Map([active.id, ready.id, gone].map((id) => [id, vector] as const));
      await items.upsertMany([{ ...known, embeddings }]);
      expect(await vectors.itemEmbedding(ready.id, known.id)).toEqual(vector);
      // An item without a feature needs no embedding.
      await items.upsertMany([textWrite('y')]);
    });

    it('are switched while no writer is in a transaction', async () => {
      const { encoders, items, vectors } = catalog();
      const [active, ready] = [row({ dimension: 2 }), row({ dimension: 2 })];
      for (const encoder of [active, ready]) await encoders.create(encoder, new Uint8Array());
      await encoders.activate(active.id);
      const vector = Float32Array.of(0, 1);
      const lacking = textWrite('z', {
        features: new Map([['t@1', vector]]),
        embeddings: new Map([active.id, ready.id].map((id) => [id, vector] as const)),
      });
      let written: Promise<unknown> = Promise.resolve();
      const events: string[] = [];
      await encoders.activate(ready.id, {
        expected: active.id,
        complete: async (tx) => {
          written = items.upsertMany([lacking]).then(() => events.push('written'));
          // Enough time for the writer to reach its lock.
          await tx.run('SELECT pg_sleep(0.2)');
          events.push('switched');
        },
      });
      await written;
      expect(events).toEqual(['switched', 'written']);
      expect(await vectors.itemEmbedding(ready.id, lacking.id)).toEqual(vector);
      await expect(encoders.activate(active.id, { expected: active.id })).rejects.toThrow(SwitchRefused);
      expect((await encoders.active())?.id).toBe(ready.id);
    });

    it('are claimed by one process each, even if several claim at once', async () => {
      const { encoderRuns } = catalog();
      const run = () => ({ id: uuidv7(), imageExtractor: 'i@1', textExtractor: 't@1', request: REQUEST });
      const [first, second] = [await encoderRuns.enqueue(run()), await encoderRuns.enqueue(run())];
      const claims = await Promise.all(Array.from({ length: 6 }, () => encoderRuns.claim()));
      const claimed = claims.filter((claim) => claim !== null);
      expect(claimed.map(({ row: { id } }) => id).sort()).toEqual([first.id, second.id].sort());
      const [mine] = claimed;
      if (mine === undefined) throw new Error('nothing was claimed');
      // A worker that lost its claim cannot change the run.
      expect(await encoderRuns.cancel(mine.row.id)).toBe(true);
      expect(await encoderRuns.requeue(mine.row.id)).toBe(true);
      for (const act of [
        () => encoderRuns.beat(mine, null),
        () => encoderRuns.finish(mine),
        () => encoderRuns.fail(mine, { code: 'INTERNAL', message: '' }),
        () => encoderRuns.keepWeights(mine, { dimension: 2, config: {} }, new Uint8Array()),
      ]) {
        await expect(act()).rejects.toThrow(ClaimLost);
      }
      expect(await catalog().encoders.byId(mine.row.id)).toMatchObject({ state: 'queued' });
    });

    it('whose process is gone are marked as failed, and those of this process are not', async () => {
      const { encoderRuns, encoders, database } = catalog();
      const run = () => ({ id: uuidv7(), imageExtractor: 'i@1', textExtractor: 't@1', request: REQUEST });
      const [mine, lost] = [await encoderRuns.begin(run()), uuidv7()];
      await database.runOnce(
        `INSERT INTO encoder (id, state, image_extractor, text_extractor, claim, owner, heartbeat_at)
         VALUES ($1, 'training', 'i', 't', gen_random_uuid(),
           '{"pid": 1, "host": "elsewhere", "boot": null, "pidNamespace": null, "started": null}', now() - interval '2 minutes')`,
        [lost],
      );
      expect(await encoderRuns.failInterrupted({ code: 'INTERRUPTED', message: 'gone' })).toEqual([lost]);
      expect(await encoders.byId(lost)).toMatchObject({ state: 'failed', failure: { code: 'INTERRUPTED' } });
      expect(await encoders.byId(mine.row.id)).toMatchObject({ state: 'training' });
    });

    it('have a request, a configuration and a report that are read as typed values', async () => {
      const { encoderRuns, encoders } = catalog();
      const run = await encoderRuns.begin({
        id: uuidv7(),
        imageExtractor: 'i@1',
        textExtractor: 't@1',
        request: { ...REQUEST, options: { dropout: 0.1 } },
      });
      const { id } = run.row;
      const config = { seed: 1, heldOutBelow: 7, learnFrom: REQUEST.learnFrom, dropout: 0.1 };
      await encoderRuns.keepWeights(run, { dimension: 2, config }, new Uint8Array());
      const epoch = { epoch: 1, epochs: 2, validation: null, pairsPerSecond: 9, secondsLeft: 1 };
      const losses = { similarity: 0.5, semantics: Number.NaN };
      const progress = { epoch: { ...epoch, losses, discriminatorAccuracy: 0.5 }, done: 1, all: 2 };
      await encoderRuns.beat(run, { stage: 'train', ...progress });
      expect(await encoders.byId(id)).toMatchObject({
        request: { ...REQUEST, options: { dropout: 0.1 } },
        config,
        report: {},
        progress: { stage: 'train', epoch: { losses: { similarity: 0.5 } } },
      });
    });

    it('keep the figures of their epochs, which a resumed training replaces from its checkpoint on', async () => {
      const { encoderEpochs, encoderRuns } = catalog();
      const run = await encoderRuns.begin({
        id: uuidv7(),
        imageExtractor: 'i@1',
        textExtractor: 't@1',
        request: REQUEST,
      });
      const { id } = run.row;
      const epoch = (number: number, validation: number | null) => ({
        epoch: number,
        epochs: 9,
        losses: { semantics: number / 10 },
        validation,
        discriminatorAccuracy: 0.5,
        pairsPerSecond: 9,
        secondsLeft: 1,
      });
      const stored = async (limit: number) =>
        (await encoderEpochs.of(id, limit)).map((each) => [each.epoch, each.validation]);
      await encoderEpochs.add(run, []);
      await encoderEpochs.add(run, [epoch(1, 0.1), epoch(2, 0.2)]);
      await encoderEpochs.add(run, [epoch(3, 0.3), epoch(4, 0.4), epoch(5, 0.5)]);
      expect(await encoderEpochs.of(id, 9)).toMatchObject([epoch(1, 0.1), {}, {}, {}, epoch(5, 0.5)]);
      // Every second one, the last among them.
      expect(await stored(4)).toEqual([
        [1, 0.1],
        [3, 0.3],
        [5, 0.5],
      ]);
      await encoderEpochs.add(run, [epoch(3, 0.6)]);
      expect(await stored(9)).toEqual([
        [1, 0.1],
        [2, 0.2],
        [3, 0.6],
      ]);
      await encoderRuns.cancel(id);
      await encoderEpochs.add(run, [epoch(4, 0.7)]);
      expect(await stored(1)).toEqual([[3, 0.6]]);
    });

    it('of older versions are read without a request and with fewer figures', async () => {
      const { encoders, database } = catalog();
      const given = row();
      await encoders.create(given, new Uint8Array());
      const figures = { images: 2, texts: 3, i2t_map: 0.5, t2i_map: null };
      const seen = { ...figures, chance: figures, cca: figures };
      await database.runOnce('UPDATE encoder SET report = $2::jsonb WHERE id = $1', [
        given.id,
        JSON.stringify({ pairs: 5, holdout: { seen, unseen: null } }),
      ]);
      const stored = await encoders.byId(given.id);
      expect(stored?.request).toBeNull();
      expect(stored?.report.holdout).toMatchObject({ seen: { ...figures, 'recall@1': null }, unseen: null });
      expect(stored?.report.holdout?.classification).toBeNull();
    });

    it.each([
      ['request', { preset: 'best', seed: 1, holdout: 0 }, 'request.preset'],
      ['config', { seed: 1, learnFrom: { and: [{ createdBefore: 'once' }] } }, 'config.learnFrom.and.0'],
      ['config', [], 'config'],
      ['report', { holdout: { seen: 0.5 } }, 'report.holdout.seen'],
    ])('with a malformed %s %j are named in the error', async (column, json, path) => {
      const { encoders, database } = catalog();
      const given = row();
      await encoders.create(given, new Uint8Array());
      await database.runOnce(`UPDATE encoder SET ${column} = $2::jsonb WHERE id = $1`, [
        given.id,
        JSON.stringify(json),
      ]);
      const error = {
        code: 'BAD_ENCODER_RECORD',
        message: expect.stringContaining(`${given.id} is malformed at ${path}`),
      };
      await expect(encoders.byId(given.id)).rejects.toMatchObject(error);
      await expect(encoders.live()).rejects.toMatchObject(error);
    });

    it('have an evaluation, whose malformed record is an error', async () => {
      const { encoders, encoderEvaluations, database } = catalog();
      const given = row();
      await encoders.create(given, new Uint8Array());
      const claim = (await encoderEvaluations.begin(given.id)) ?? '';
      const record = {
        encoder: given.id,
        preset: 'default',
        evaluatedAt: '2025-01-01T00:00:00.000Z',
        seconds: 1,
        source: { pairs: 1, classes: 1 },
        seen: null,
        unseen: null,
        harmonic: null,
        notes: [],
      };
      await encoderEvaluations.finish(claim, record);
      expect(await encoderEvaluations.byEncoder(given.id)).toMatchObject({
        state: 'done',
        record: { ...record, interval: null, classification: null, run: null },
      });
      await database.runOnce(
        `UPDATE encoder_evaluation SET record = record - 'source' WHERE encoder_id = $1`,
        [given.id],
      );
      await expect(encoderEvaluations.byEncoder(given.id)).rejects.toMatchObject({
        code: 'BAD_ENCODER_RECORD',
        message: expect.stringContaining('evaluation.record.source'),
      });
    });

    it('have a report that can be replaced', async () => {
      const { encoders } = catalog();
      const given = row();
      await encoders.create(given, new Uint8Array());
      await encoders.updateReport(given.id, { seen: { i2t_map: 0.5 } });
      expect((await encoders.byId(given.id))?.report).toEqual({ seen: { i2t_map: 0.5 } });
    });
  });

  describe('classes', () => {
    const all = { search: null, seen: null, seenIds: [], afterName: null, limit: 100 };

    it('are created by name, once', async () => {
      const { classes } = catalog();
      const made = await classes.create('animal-bird', 'feathers');
      expect(made).toEqual({ id: made.id, name: 'animal-bird', description: 'feathers' });
      await expect(classes.create('animal-bird', null)).rejects.toMatchObject({
        code: 'CLASS_EXISTS',
        field: ['name'],
      });
      expect(await classes.create('Animal-bird', null)).toMatchObject({ name: 'Animal-bird' });
      expect(await classes.byNames(['nothing', 'animal-bird'])).toEqual([made]);
      expect(await classes.byId(made.id)).toEqual(made);
      expect(await classes.byId(uuidv7())).toBeNull();
    });

    it('are listed by name, in pages, in the same order on every server', async () => {
      const { classes } = catalog();
      const names = ['zebra', 'Apple', 'éclair', 'apple', 'a_b', 'a%b', '虎', 'banana'];
      for (const name of names) await classes.create(name, null);
      const listed: string[] = [];
      for (;;) {
        const page = await classes.page({ ...all, afterName: listed.at(-1) ?? null, limit: 3 });
        if (page.length === 0) break;
        listed.push(...page.map((row) => row.name));
      }
      expect(listed).toEqual(names.sort());
      const search = async (part: string) => {
        const found = await classes.page({ ...all, search: part });
        expect(await classes.count({ ...all, search: part })).toBe(found.length);
        return found.map((row) => row.name);
      };
      expect(await search('APP')).toEqual(['Apple', 'apple']);
      expect(await search('_')).toEqual(['a_b']);
      expect(await search('%')).toEqual(['a%b']);
      expect(await search('\\')).toEqual([]);
      expect(await search('虎')).toEqual(['虎']);
    });

    it('are filtered by whether they were seen', async () => {
      const { classes } = catalog();
      const seen = await classes.create('seen', null);
      const unseen = await classes.create('unseen', null);
      const filter = { ...all, seenIds: [seen.id] };
      expect(await classes.page({ ...filter, seen: true })).toEqual([seen]);
      expect(await classes.page({ ...filter, seen: false })).toEqual([unseen]);
      expect(await classes.page({ ...all, seen: true })).toEqual([]);
      expect(await classes.count({ ...all, seen: false })).toBe(2);
    });

    it('count their items', async () => {
      const { classes, items } = catalog();
      await items.upsertMany([
        imageWrite('1', { classNames: ['a', 'b'] }),
        textWrite('2', { classNames: ['a'] }),
        textWrite('3', { classNames: ['a'] }),
      ]);
      await classes.create('c', null);
      const ids = (await classes.all()).map((row) => row.id);
      const counts = async (modality: 'IMAGE' | null) => {
        const found = await classes.itemCounts(modality);
        return ids.map((id) => found.get(id) ?? 0);
      };
      expect(await counts(null)).toEqual([3, 1, 0]);
      expect(await counts('IMAGE')).toEqual([1, 1, 0]);
    });

    it('have text features, which can be replaced', async () => {
      const { classes, vectors, vectorWrites } = catalog();
      const [a, b] = [await classes.create('a', null), await classes.create('b', null)];
      await vectorWrites.putClassFeatures('t@1', [{ row: a, vector: Float32Array.of(1, 0) }]);
      await vectorWrites.putClassFeatures('t@1', [{ row: a, vector: Float32Array.of(0, 1) }]);
      await vectorWrites.putClassFeatures('t@2', [{ row: b, vector: Float32Array.of(1) }]);
      expect(await vectors.classFeatures('t@1', [a.id, b.id])).toEqual(
        new Map([[a.id, Float32Array.of(0, 1)]]),
      );
    });
  });

  describe('media', () => {
    it('are found once uploaded or shown by an item', async () => {
      const { media, items } = catalog();
      const upload = { sha256: 'a'.repeat(64), mediaType: 'image/webp', width: 3, height: 2, bytes: 10 };
      await media.record(upload);
      await media.record({ ...upload, mediaType: 'image/gif' });
      const { bytes: _, ...picture } = upload;
      expect(await media.find(upload.sha256)).toEqual(picture);
      const image = imageWrite('shown');
      await items.upsertMany([image, textWrite('shown')]);
      expect(await media.find(image.contentHash)).toMatchObject({
        mediaType: 'image/png',
        width: 64,
        height: 48,
      });
      expect(await media.find('b'.repeat(64))).toBeNull();
      const removed: string[] = [];
      const remove = () =>
        media.removeUnreferenced([upload.sha256, image.contentHash], async (hash) => removed.push(hash));
      await remove();
      // The upload may be about to be ingested.
      expect(removed).toEqual([]);
      await catalog().database.run(`UPDATE media SET uploaded_at = uploaded_at - interval '2 hours'`);
      await remove();
      expect(removed).toEqual([upload.sha256]);
      expect(await media.find(upload.sha256)).toBeNull();
    });
  });

  it('reads times in UTC in any time zone of the server', async () => {
    const { encoders, database } = catalog();
    // Prisma's adapter reads a time in another zone as UTC.
    expect(await database.runOnce('SHOW TimeZone')).toEqual([{ TimeZone: 'UTC' }]);
    const before = Date.now();
    const id = uuidv7();
    const row = { id, dimension: 1, imageExtractor: 'i', textExtractor: 't', config: {}, report: {} };
    const { createdAt } = await encoders.create(row, new Uint8Array());
    expect(Math.abs(createdAt.getTime() - before)).toBeLessThan(60_000);
    expect((await encoders.byId(id))?.createdAt).toEqual(createdAt);
  });

  it('can be vacuumed', async () => {
    await catalog().items.upsertMany([textWrite('x')]);
    await catalog().maintain();
    expect(await catalog().items.count(null)).toBe(1);
  });
});
