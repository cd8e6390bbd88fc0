import { execFile } from 'node:child_process';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { nodesOf } from '../support/citus.js';
import { onServer } from '../support/servers.js';

const CITUS = process.env.TEST_CITUS_URL ?? '';
/** A program that is called with `stop N`, `start N` or `add N DATABASE`, for the worker of this number. Stopping is a crash. */
const CONTROL = process.env.TEST_CITUS_WORKER ?? '';
const missing = CITUS && CONTROL ? '' : ' (TEST_CITUS_URL or TEST_CITUS_WORKER is not set)';

/** Whether the classes of all nodes are the same. */
const REPLICAS = `(SELECT bool_and(success) AND count(DISTINCT result) = 1 FROM run_command_on_placements('class',
  'SELECT md5(string_agg(t::text, '''' ORDER BY id)) FROM %s t'))`;

const worker = (...command: readonly string[]) => promisify(execFile)(CONTROL, command);

describe.skipIf(missing)(`the workers of a distributed catalogue${missing}`, () => {
  let app: TestApp;
  let working = true;
  /** Texts whose ingest was answered with success. */
  const acknowledged = new Set<string>();
  beforeEach(async () => {
    app = await openTestApp('server');
    await ingestShapes(app);
    await app.training.train({ ...QUICK, preset: 'paper', epochs: 2 });
    working = true;
    acknowledged.clear();
  });
  afterEach(async () => {
    await app.close();
  });

  const search = async (i = 0) =>
    await app.search.search({
      query: i % 2 === 0 ? { text: 'a big red circle' } : { text: 'ring' },
      target: i % 3 === 0 ? 'TEXT' : 'IMAGE',
      by: ['CONTENT', 'COUNTERPART', 'LEXICAL'],
      filter: null,
      first: 20,
      after: null,
      minScore: null,
    });

  async function ingest(text: string): Promise<void> {
    const [outcome] = await app.ingest.ingest([{ content: { text }, externalId: text }]);
    if (outcome?.status !== 'CREATED')
      throw outcome?.status === 'FAILED' ? outcome.error : new Error(outcome?.status);
    acknowledged.add(text);
  }

  /** Runs the work again and again. @returns the errors of all runs, and the longest run in milliseconds */
  async function keep(work: (i: number) => Promise<unknown>) {
    const errors: unknown[] = [];
    let [runs, longest] = [0, 0];
    for (; working; runs += 1) {
      const began = performance.now();
      await work(runs).catch((error: unknown) => errors.push(error));
      longest = Math.max(longest, performance.now() - began);
      await setTimeout(5);
    }
    return { runs, errors, longest };
  }

  /** All that was acknowledged is there, on all nodes: the coordinator completes transactions that the worker has prepared within a minute. */
  async function expectWhole(): Promise<void> {
    await expect
      .poll(
        () => onServer(app.url ?? '', 'SELECT recover_prepared_transactions()', `SELECT ${REPLICAS} AS same`),
        { timeout: 90_000, interval: 1_000 },
      )
      .toEqual([{ same: true }]);
    const texts = await app.catalog.database.runOnce<{ id: string; external: string | null }>(
      `SELECT id, external_id AS external FROM item WHERE modality = 'TEXT'`,
    );
    const stored = new Set(texts.map(({ external }) => external));
    expect([...acknowledged].filter((text) => !stored.has(text))).toEqual([]);
    // Each item has its vectors.
    for (const table of ['feature', 'embedding']) {
      const rows = await app.catalog.database.runOnce<{ id: string }>(
        `SELECT DISTINCT i.id FROM item i JOIN ${table} v ON v.item_id = i.id AND v.home = i.home WHERE i.modality = 'TEXT'`,
      );
      expect(rows.length, table).toBe(texts.length);
    }
  }

  it('may stop: searches and writes fail with DATABASE_UNREACHABLE, nothing is lost, and all works when it is back', async () => {
    await ingest('before');
    const searches = keep(search);
    const writes = keep((i) => ingest(`text ${i}`));
    await setTimeout(500);
    await worker('stop', '2');
    try {
      await setTimeout(1_500);
      const began = performance.now();
      await expect(search()).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
      await expect(ingest('meanwhile')).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
      console.log(`a search and a write are refused within ${(performance.now() - began).toFixed(0)} ms`);
      // Classes are on every node, the coordinator included.
      expect((await app.catalog.classes.all()).length).toBeGreaterThan(0);
    } finally {
      await worker('start', '2');
    }
    await expect
      .poll(() =>
        search().then(
          ({ results }) => results.length,
          () => 0,
        ),
      )
      .toBeGreaterThan(0);
    await setTimeout(1_000);

    working = false;
    const [found, written] = [await searches, await writes];
    for (const error of [...found.errors, ...written.errors])
      expect(error).toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(found.errors.length).toBeGreaterThan(0);
    expect(found.errors.length).toBeLessThan(found.runs);
    expect(acknowledged.size).toBeGreaterThan(2);
    console.log(
      `${found.errors.length} of ${found.runs} searches and ${written.errors.length} of ${written.runs} writes were refused`,
    );
    await expectWhole();
    await ingest('after');
    expect((await search()).results.length).toBeGreaterThan(0);
  });

  it('may become more: no search and no write fails while shards move to another one', async () => {
    const url = app.url ?? '';
    const { workers } = await nodesOf(url);
    const database = new URL(url).pathname.slice(1);
    const searches = keep(search);
    const writes = keep((i) => ingest(`text ${i}`));
    await setTimeout(300);
    await worker('add', String(workers.length + 1), database);
    await onServer(url, `SELECT rebalance_table_shards(shard_transfer_mode => 'force_logical')`);
    await setTimeout(300);
    working = false;
    const [found, written] = [await searches, await writes];
    expect([...found.errors, ...written.errors]).toEqual([]);
    console.log(
      `${found.runs} searches (longest ${found.longest.toFixed(0)} ms), ${written.runs} writes (longest ${written.longest.toFixed(0)} ms), no failure`,
    );
    const topology = await app.catalog.nodes.topology();
    expect(topology?.workers).toHaveLength(workers.length + 1);
    expect(topology?.workers.every(({ shards }) => shards > 0)).toBe(true);
    await expectWhole();
  });
});
