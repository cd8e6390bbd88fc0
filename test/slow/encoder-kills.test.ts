import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EncoderState } from '../../src/domain/encoder-status.js';
import type { App } from '../../src/services/app.js';
import { ingestShapes, QUICK, withApp } from '../support/app.js';
import { createTestDatabase, describeOnEachKind } from '../support/catalog.js';
import { cliEnvironment } from '../support/cli.js';
import { KILLED_CHILD, runUntilKilled } from '../support/killed-child.js';

const REQUEST = { ...QUICK, preset: 'paper' as const, epochs: 12, force: true };

describeOnEachKind('a server that is killed', (kind) => {
  let folder = '';
  let database: Awaited<ReturnType<typeof createTestDatabase>> | null = null;
  let env: NodeJS.ProcessEnv = {};

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-kill-'));
    database = kind === 'server' ? await createTestDatabase() : null;
    env = cliEnvironment({
      COMMONSPACE_DATA: folder,
      ...(database !== null && { DATABASE_URL: database.url }),
    });
    await inApp(async (app) => {
      await ingestShapes(app);
      await app.training.train({ ...REQUEST, epochs: 2 });
    });
  });
  afterAll(async () => {
    await database?.drop();
    await rm(folder, { recursive: true, force: true });
  });

  const inApp = <T>(work: (app: App) => Promise<T>) => withApp(env, work);
  const killed = (...args: readonly string[]) => runUntilKilled(env, ...args);

  async function states(app: App): Promise<Map<string, EncoderState>> {
    const page = await app.encoders.page(null, 100, null);
    return new Map(page.encoders.map(({ row }) => [row.id, row.state]));
  }

  /** Exactly one encoder is active, and searches with it find every item. */
  async function expectComplete(app: App, active: string): Promise<void> {
    const all = await states(app);
    const { dimension } = await app.encoders.require(active);
    expect([...all].filter(([, state]) => state === 'active').map(([id]) => id)).toEqual([active]);
    for (const target of ['IMAGE', 'TEXT'] as const) {
      const page = await app.search.search({
        // Any vector: a text query would load the text network each time.
        query: { vector: Array.from({ length: dimension ?? 0 }, (_, i) => (i === 0 ? 1 : 0)) },
        target,
        by: ['CONTENT'],
        filter: null,
        first: 100,
        after: null,
        minScore: null,
      });
      expect(page.encoderVersion).toBe(active);
      expect(page.results).toHaveLength(60);
    }
  }

  const activeId = (app: App) => app.training.active().then((row) => row?.id ?? '');

  describe.each(['train', 'evaluate', 'embed'])('during the stage %s', (where) => {
    it('starts again with its active encoder, and can resume the training', async () => {
      const before = await inApp(activeId);
      const id = await killed(where);
      await inApp(async (app) => {
        await expectComplete(app, before);
        expect(existsSync(join(folder, 'runs', id, 'rows'))).toBe(false);
        expect(await app.encoders.byId(id)).toMatchObject({
          state: 'failed',
          failure: { code: 'INTERRUPTED' },
        });
        const started: string[] = [];
        const report = await app.training.resumeHere(id, {
          onProgress: ({ stage, ...event }) => {
            if ('progress' in event && event.progress.kind === 'epoch')
              started.push(String(event.progress.epoch));
            else started.push(stage);
          },
        });
        // It resumes from the latest checkpoint, or from the stored weights.
        expect(started).not.toContain('1');
        expect(started.includes('12')).toBe(where === 'train');
        expect(report).toMatchObject({ encoder: id, refusal: null });
        await app.encoders.activate(id, { force: true });
        await expectComplete(app, id);
      });
    });
  });

  it('right after an encoder is ready keeps it ready, and the previous one active', async () => {
    const before = await inApp(activeId);
    const id = await killed('ready');
    await inApp(async (app) => {
      await expectComplete(app, before);
      expect((await states(app)).get(id)).toBe('ready');
      await app.encoders.activate(id, { force: true });
      await expectComplete(app, id);
    });
  });

  it('at any moment of an activation leaves one of the two encoders active and complete', async () => {
    const [one, other] = await inApp(async (app) => {
      const { encoder } = await app.training.train({ ...REQUEST, epochs: 1, seed: 3 });
      return [encoder, (await app.encoders.previous()).id];
    });
    await killed('switched', other);
    await inApp((app) => expectComplete(app, other));
    let wanted = one;
    for (const delay of [0, 10]) {
      const child = spawn(process.execPath, [KILLED_CHILD, 'nowhere', wanted], {
        env,
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      await new Promise((resolve) => child.once('message', resolve));
      await new Promise((resolve) => setTimeout(resolve, delay));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.on('close', resolve));
      const active = await inApp(async (app) => {
        const id = await activeId(app);
        expect([one, other]).toContain(id);
        await expectComplete(app, id);
        return id;
      });
      wanted = active === one ? other : one;
    }
  });
});
