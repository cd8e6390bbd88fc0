import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { openApp } from '../../src/compose.js';
import { readConfig } from '../../src/config.js';
import type { App } from '../../src/services/app.js';
import { ingestShapes, QUICK } from '../support/app.js';
import { createTestDatabase } from '../support/catalog.js';
import { cliEnvironment } from '../support/cli.js';

const REQUEST = { ...QUICK, preset: 'paper' as const, epochs: 2, activate: false };

describe.skipIf(!process.env.TEST_DATABASE_URL)('two servers on one database', () => {
  let folder = '';
  let database: Awaited<ReturnType<typeof createTestDatabase>>;
  let one: App;
  let other: App;
  const unexpected: unknown[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-servers-'));
    database = await createTestDatabase();
    const config = readConfig({}, cliEnvironment({ COMMONSPACE_DATA: folder, DATABASE_URL: database.url }));
    const report = (error: unknown) => unexpected.push(error);
    [one, other] = await Promise.all([openApp(config, report), openApp(config, report)]);
    await ingestShapes(one);
    other.trainingRunner.start();
  });
  afterAll(async () => {
    await one.close();
    await other.close();
    await database.drop();
    await rm(folder, { recursive: true, force: true });
    expect(unexpected).toEqual([]);
  });

  async function follow(app: App, id: string): Promise<{ state: string; stages: string[] }> {
    const stages = new Set<string>();
    let state = '';
    for await (const row of app.encoders.watch(id, AbortSignal.timeout(300_000))) {
      state = row.state;
      if ('progress' in row && row.progress !== null) stages.add(row.progress.stage);
    }
    return { state, stages: [...stages] };
  }

  it('train on one server what the other queued, and the other reads the progress and can cancel', async () => {
    const { id } = await one.training.enqueue({ ...REQUEST, epochs: 10_000 });
    for await (const row of one.encoders.watch(id, AbortSignal.timeout(300_000))) {
      if (row.state === 'training' && (row.progress?.epoch?.epoch ?? 0) > 0) break;
    }
    await one.training.cancel(id);
    expect(await one.encoders.byId(id)).toMatchObject({ state: 'cancelled' });
    // The worker takes the next run.
    const next = await one.training.enqueue(REQUEST);
    expect((await follow(one, next.id)).state).toMatch(/ready|active/);
    expect(await one.encoders.byId(id)).toMatchObject({ state: 'cancelled' });
  }, 600_000);

  it('embed for an encoder that the other server activates at that moment', async () => {
    const { encoder: first } = await one.training.train({ ...REQUEST, activate: true, force: true });
    const { encoder: second } = await one.training.train({ ...REQUEST, seed: 5 });
    // Not live: retired before the latest retired one.
    const { encoder: third } = await one.training.train({ ...REQUEST, seed: 6 });
    for (const id of [second, third, first]) await one.encoders.activate(id, { force: true });
    let writing = true;
    let written = 0;
    const write = async (app: App, name: string) => {
      for (let i = 0; writing; i += 1) {
        const inputs = Array.from({ length: 8 }, (_, k) => ({
          content: { text: `late words of ${name}, number ${i}, part ${k}` },
          externalId: `${name}-${i}-${k}`,
        }));
        const outcomes = await app.ingest.ingest(inputs);
        expect(outcomes.map(({ status }) => status)).toEqual(inputs.map(() => 'CREATED'));
        written += inputs.length;
      }
    };
    const work = [write(other, 'other'), write(one, 'one')];
    for (const id of [second, third, first, second, third, first, third, second]) {
      await one.encoders.activate(id, { force: true });
      expect((await other.training.active())?.id).toBe(id);
      await setTimeout(50);
    }
    writing = false;
    await Promise.all(work);
    expect(written).toBeGreaterThan(50);
    const { TEXT } = await one.items.countByModality();
    const catalog = await openCatalog({ databaseUrl: database.url });
    try {
      const embedded = async (id: string) => {
        let count = 0;
        for await (const { ids } of catalog.vectors.embeddingsOf(id, 'TEXT')) count += ids.length;
        return count;
      };
      expect(await embedded(second)).toBe(TEXT);
      // The previous encoder: going back needs no embedding.
      expect(await embedded(third)).toBe(TEXT);
    } finally {
      await catalog.close();
    }
  }, 600_000);
});
