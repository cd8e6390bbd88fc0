import { setTimeout } from 'node:timers/promises';
import { v7 as uuidv7 } from 'uuid';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { embeddingPartition } from '../../src/catalog/vectors/vector-partitions.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { describeOnEachDatabase } from '../support/catalog.js';
import { textWrite } from '../support/catalog-items.js';
import { withClient } from '../support/lost-connection.js';

async function newEncoder({ encoders }: Catalog): Promise<string> {
  const id = uuidv7();
  const extractors = { imageExtractor: 'i@1', textExtractor: 't@1' };
  await encoders.create({ id, dimension: 2, ...extractors, config: {}, report: {} }, Uint8Array.of(1));
  return id;
}

async function isStored({ database }: Catalog, id: string): Promise<{ row: boolean; tables: boolean }> {
  const [found] = await database.runOnce<{ row: boolean; tables: boolean }>(
    `SELECT EXISTS (SELECT 1 FROM encoder WHERE id = $1) AS row, to_regclass($2) IS NOT NULL AS tables`,
    [id, embeddingPartition(id, 'TEXT')],
  );
  if (!found) throw new Error('no row');
  return found;
}

describeOnEachDatabase('the removal of an encoder', (catalog) => {
  it('drops its tables and its row', async () => {
    const id = await newEncoder(catalog());
    expect(await isStored(catalog(), id)).toEqual({ row: true, tables: true });
    expect(await catalog().encoders.remove(id)).toBe(true);
    expect(await isStored(catalog(), id)).toEqual({ row: false, tables: false });
  });

  it('ends the map that is made of it', async () => {
    const { encoders, mapPoints } = catalog();
    const id = await newEncoder(catalog());
    const map = await mapPoints.begin(id, 'PCA', 0.5);
    const [item] = await catalog().items.upsertMany([textWrite('mapped')]);
    await encoders.remove(id);
    const gone = { code: 'ENCODER_NOT_FOUND' };
    await expect(mapPoints.add(map, [item?.id ?? ''], Float32Array.of(0, 0))).rejects.toMatchObject(gone);
    await expect(mapPoints.begin(id, 'PCA', 0.5)).rejects.toMatchObject(gone);
  });

  it('is finished after its process has ended', async () => {
    const id = await newEncoder(catalog());
    await catalog().database.runOnce(
      `UPDATE encoder SET state = 'cancelled', removed_at = clock_timestamp() WHERE id = $1`,
      [id],
    );
    expect(await catalog().encoders.byId(id)).toBeNull();
    expect(await catalog().encoderRuns.requeue(id)).toBe(false);
    expect(await catalog().encoders.finishRemovals()).toBe(0);
    expect(await isStored(catalog(), id)).toEqual({ row: false, tables: false });
  });

  it('leaves the row of a cancelled run, which can be resumed, and the tables of one that is resumed', async () => {
    const { encoders, encoderRuns, database } = catalog();
    const id = await newEncoder(catalog());
    const again = await newEncoder(catalog());
    await database.runOnce(`UPDATE encoder SET state = 'cancelled' WHERE id = ANY($1::uuid[])`, [
      [id, again],
    ]);
    expect(await encoderRuns.requeue(again)).toBe(true);
    expect(await encoders.finishRemovals()).toBe(0);
    expect(await isStored(catalog(), id)).toEqual({ row: true, tables: false });
    expect(await isStored(catalog(), again)).toEqual({ row: true, tables: true });
    expect(await encoders.byId(id)).toMatchObject({ state: 'cancelled' });
  });
});

describe.skipIf(!process.env.TEST_DATABASE_URL)(
  'the removal of an encoder beside a long reader (server)',
  () => {
    /** A statement may wait for a lock_timeout, and the machine may be busy. */
    const LONGEST_READ_MS = 1_000;
    let app: TestApp;
    let other: Catalog;
    beforeAll(async () => {
      app = await openTestApp('server');
      other = await openCatalog({ databaseUrl: app.url });
    });
    afterAll(async () => {
      expect(app.unexpected).toEqual([]);
      await other.close();
      await app.close();
    });

    it('does not hold up other readers, and is finished by the upkeep of another server', async () => {
      const { encoders } = app.catalog;
      const id = await newEncoder(app.catalog);
      await withClient(app.url ?? '', async (reader) => {
        await reader.query('BEGIN');
        await reader.query('SELECT count(*) FROM item');
        let removing = true;
        const removal = encoders.remove(id).finally(() => {
          removing = false;
        });
        const reads: number[] = [];
        while (removing) {
          const started = performance.now();
          await other.items.count(null);
          reads.push(performance.now() - started);
          await setTimeout(5);
        }
        expect(await removal).toBe(true);
        expect(Math.max(...reads)).toBeLessThan(LONGEST_READ_MS);
        expect(await encoders.byId(id)).toBeNull();
        expect((await other.encoders.list()).map((row) => row.id)).not.toContain(id);
        expect(await other.encoders.count(null)).toBe(0);
        expect(await other.encoders.finishRemovals()).toBe(1);
        expect(await isStored(other, id)).toEqual({ row: true, tables: true });
        await reader.query('COMMIT');
      });
      app.upkeep.start();
      await expect
        .poll(() => isStored(app.catalog, id), { timeout: 20_000 })
        .toEqual({ row: false, tables: false });
    });
  },
);
