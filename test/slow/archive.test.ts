import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { JobStep } from '../../src/domain/job.js';
import { HEADER } from '../../src/services/archive/archive-format.js';
import { importJob } from '../../src/services/archive/import-job.js';
import { JobFetches } from '../../src/services/jobs/job-fetches.js';
import { drawShape } from '../factories/shapes.js';
import { describeOnEachKind } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import { archivedRows, unclassifiedTables } from '../support/catalogue-rows.js';
import { pathOf } from '../support/media-files.js';
import {
  bytesOf,
  contentsOf,
  exportTo,
  type Side,
  storeEncoder,
  TEXTS,
  TwoCatalogues,
} from '../support/two-catalogues.js';

const NOTHING = { pictures: 0, classes: 0, items: 0, encoders: 0, vectors: 0, missingPictures: 0 };

describeOnEachKind('an archive', (kind) => {
  let two: TwoCatalogues;
  beforeAll(async () => {
    two = await TwoCatalogues.open(kind);
  });
  afterAll(() => two.close());

  const exported = async (side: Side) => {
    const path = join(two.folder, `${randomUUID()}.tar`);
    await exportTo(side, path);
    return path;
  };

  it('names every table, so that a new one is thought of', async () => {
    expect(await unclassifiedTables(two.source.catalog)).toEqual([]);
  });

  it('gives back every row and every byte, and repeated changes nothing', async () => {
    await two.emptyTarget();
    const before = await archivedRows(two.source.catalog);
    expect(Object.entries(before).filter(([, rows]) => rows.length === 0)).toEqual([]);
    const report = await two.target.run(two.archive);
    expect(report).toEqual({
      pictures: 3,
      classes: 3,
      items: 305,
      encoders: 2,
      vectors: expect.any(Number),
      missingPictures: 0,
    });
    expect(await archivedRows(two.target.catalog)).toEqual(before);
    expect(await bytesOf(two.target.media)).toEqual(await bytesOf(two.source.media));
    expect(await two.target.run(two.archive)).toEqual(NOTHING);
    expect(await archivedRows(two.target.catalog)).toEqual(before);
    // The archive of the copy differs in the time of its making alone.
    const [first, second] = [await contentsOf(two.archive), await contentsOf(await exported(two.target))];
    first.delete(HEADER);
    second.delete(HEADER);
    expect(second).toEqual(first);
  });

  it('continues an import that was broken off at any member', async () => {
    const before = await archivedRows(two.source.catalog);
    for (const [until, merge] of [
      [2, false],
      [6, false],
      [9, true],
      [12, false],
    ] as const) {
      await two.emptyTarget();
      const stop = new AbortController();
      const onProgress = (done: number) => {
        if (done === until) stop.abort();
      };
      await expect(two.target.run(two.archive, { signal: stop.signal, onProgress })).rejects.toMatchObject({
        code: 'CANCELLED',
      });
      // An encoder that is not complete is not in use.
      const { encoders, encoderRuns } = two.target.catalog;
      expect(await encoders.active()).toBeNull();
      // It cannot be trained on from there.
      for (const { id } of await encoders.list()) expect(await encoderRuns.requeue(id)).toBe(false);
      await two.target.run(two.archive, { merge });
      expect(await archivedRows(two.target.catalog)).toEqual(before);
    }
  });

  it('refuses a catalogue with other data, and adds to it if asked', async () => {
    await two.emptyTarget();
    const mine = textWrite('mine', { externalId: 'text-0', classNames: ['red'], pairKey: 'pair-0' });
    await two.target.catalog.items.upsertMany([mine]);
    const before = await archivedRows(two.target.catalog);
    await expect(two.target.run(two.archive)).rejects.toMatchObject({
      code: 'CATALOGUE_NOT_EMPTY',
      message: expect.stringMatching(/1 items, 1 classes/),
    });
    expect(await archivedRows(two.target.catalog)).toEqual(before);
    expect(await bytesOf(two.target.media)).toEqual(new Map());

    expect(await two.target.run(two.archive, { merge: true })).toMatchObject({
      items: 304,
      classes: 2,
      encoders: 2,
    });
    const item = await two.target.catalog.items.byExternalId('text-0');
    expect(item).toMatchObject({ id: mine.id, text: 'mine' });
    // Labels and pairs are found by name and key.
    const [row] = await two.target.catalog.database.run<{ same: number }>(
      `SELECT count(*)::int AS same FROM item i JOIN pair p ON p.id = i.pair_id AND p.home = i.home WHERE p.key = 'pair-0'`,
    );
    expect(row?.same).toBe(2);
    const reds = await two.target.catalog.database.run(
      `SELECT 1 FROM item_class ic JOIN class c ON c.id = ic.class_id WHERE c.name = 'red'`,
    );
    expect(reds.length).toBe(102);
    expect((await two.target.catalog.encoders.active())?.id).toBe(
      (await two.source.catalog.encoders.active())?.id,
    );
    expect(await two.target.run(two.archive, { merge: true })).toEqual(NOTHING);
  });

  it('adds to pairs up to their limit, and stores nothing beyond it', async () => {
    const inPair = (count: number) =>
      Array.from({ length: count }, (_, n) =>
        textWrite(`own ${n}`, { externalId: `own-${n}`, pairKey: 'pair-0' }),
      );
    await two.emptyTarget();
    // The archive has an image and a text of this pair.
    await two.target.catalog.items.upsertMany(inPair(63));
    const before = await archivedRows(two.target.catalog);
    await expect(two.target.run(two.archive, { merge: true })).rejects.toMatchObject({
      code: 'PAIR_TOO_LARGE',
      message: expect.stringContaining('"pair-0"'),
    });
    expect(await archivedRows(two.target.catalog)).toEqual(before);
    expect(await bytesOf(two.target.media)).toEqual(new Map());
    await two.target.catalog.items.delete([(await two.target.catalog.items.byExternalId('own-0'))?.id ?? '']);
    expect(await two.target.run(two.archive, { merge: true })).toMatchObject({ items: 305 });
    const sizes = await two.target.catalog.items.pairSizes(['pair-0']);
    expect(sizes.get('pair-0')).toBe(64);
    // What is there already is not added again.
    expect(await two.target.run(two.archive, { merge: true })).toEqual(NOTHING);
  });

  it('is stored by a job that goes on after it ended at any step, and leaves out what was deleted meanwhile', async () => {
    const job = importJob({
      archive: two.target,
      sources: { path: async () => two.archive },
      complete: async () => {},
      stepMs: 0,
    });
    const given = { source: { kind: 'upload', file: 'x' }, merge: false } as const;
    const all = await archivedRows(two.source.catalog);
    const steps: JobStep[] = [];
    /** The process ends after so many steps. */
    const attempt = (count: number) =>
      job.run(given, {
        id: 'x',
        position: steps.at(-1)?.position ?? null,
        requestedBy: 'test',
        fetches: new JobFetches({ takeBytes: () => {}, addBytes: () => {} }),
        signal: new AbortController().signal,
        advance: async (step) => {
          if (count === 0) throw new Error('killed');
          count -= 1;
          steps.push(JSON.parse(JSON.stringify(step)));
        },
      });
    await two.emptyTarget();
    for (const count of [1, 4, 2, 3, 1]) await expect(attempt(count)).rejects.toThrow('killed');
    const gone = (await two.target.catalog.items.byExternalId('text-0'))?.id ?? '';
    await two.target.catalog.items.delete([gone]);
    const mine = textWrite('mine', { externalId: 'mine' });
    await two.target.catalog.items.upsertMany([mine]);
    expect(await attempt(99)).toMatch(/^Stored /);
    expect(steps.reduce((sum, { done }) => sum + done, 0)).toBe(steps[0]?.total);
    expect(await two.target.catalog.items.byExternalId('text-0')).toBeNull();
    await two.target.catalog.items.delete([mine.id]);
    const { item, ...others } = await archivedRows(two.target.catalog);
    expect(item?.length).toBe((all.item?.length ?? 0) - 1);
    expect(others.encoder).toEqual(all.encoder);
  });

  it('keeps what has another content under the same id, without the vectors of the former', async () => {
    await two.emptyTarget();
    await two.target.run(two.archive);
    const found = await two.source.catalog.items.byExternalId('text-1');
    if (found === null) throw new Error('no item');
    await two.target.catalog.items.upsertMany([textWrite('changed', { id: found.id, externalId: 'text-1' })]);
    await expect(two.target.run(two.archive)).rejects.toMatchObject({ code: 'CATALOGUE_NOT_EMPTY' });
    expect(await two.target.run(two.archive, { merge: true })).toEqual(NOTHING);
    expect(await two.target.catalog.items.byExternalId('text-1')).toMatchObject({ text: 'changed' });
    expect(await two.target.catalog.vectors.itemFeature(found.id, TEXTS)).toBeNull();
  });

  it('leaves the active encoder in place', async () => {
    await two.emptyTarget();
    const own = await storeEncoder(two.target.catalog, 'active');
    expect(await two.target.run(two.archive, { merge: true })).toMatchObject({ encoders: 2 });
    expect((await two.target.catalog.encoders.active())?.id).toBe(own);
    expect((await two.target.catalog.encoders.list()).map(({ state }) => state).sort()).toEqual([
      'active',
      'ready',
      'retired',
    ]);
  });

  it('says which pictures have no bytes, and has all others', async () => {
    const [first] = await bytesOf(two.source.media);
    const [sha256, bytes] = first ?? [];
    if (sha256 === undefined || bytes === undefined) throw new Error('no picture');
    await writeFile(pathOf(two.source.media.image(sha256)), 'damaged');
    const damaged = await exported(two.source);
    await two.source.media.remove(sha256);
    const lacking = await exported(two.source);
    await two.source.media.restore(sha256, Buffer.from(bytes, 'base64'));
    for (const path of [damaged, lacking]) {
      await two.emptyTarget();
      expect(await two.target.run(path)).toMatchObject({ pictures: 2, missingPictures: 1, items: 305 });
    }
  });

  it('keeps pictures whose items are deleted until it is written', async () => {
    const bytes = await drawShape('ring', 'purple');
    const { sha256 } = await two.source.media.put(bytes);
    await two.source.catalog.media.record({
      ...(await two.source.media.describe(sha256)),
      bytes: bytes.length,
    });
    await two.source.catalog.database.run('UPDATE media SET uploaded_at = NULL WHERE sha256 = $1', [sha256]);
    const remove = () =>
      two.source.catalog.media.removeUnreferenced([sha256], (hash) => two.source.media.remove(hash));
    const stream = two.source.exporting.stream();
    const path = join(two.folder, 'slow.tar');
    const file = createWriteStream(path);
    let removed: readonly string[] | null = null;
    for await (const chunk of stream) {
      file.write(chunk);
      removed ??= await remove();
    }
    await new Promise<void>((done) => file.end(done));
    expect(removed).toEqual([]);
    expect((await contentsOf(path)).has(`media/${sha256.slice(0, 2)}/${sha256.slice(2, 4)}/${sha256}`)).toBe(
      true,
    );
    expect(await remove()).toEqual([sha256]);
  });

  it('is written one at a time, and ends when its reader goes', async () => {
    const writer = two.source.exporting;
    const stream = writer.stream();
    expect(() => writer.stream()).toThrow(expect.objectContaining({ code: 'BUSY' }));
    await new Promise((resolve) => stream.once('readable', resolve));
    stream.destroy();
    await once(stream, 'close');
    await pipeline(writer.stream(), createWriteStream(join(two.folder, 'again.tar')));
    expect((await contentsOf(join(two.folder, 'again.tar'))).size).toBe((await contentsOf(two.archive)).size);
  });
});
