import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import type { App } from '../../src/services/app.js';
import type { TrainingProgress } from '../../src/services/encoders/training-progress.js';
import { COLOUR_NAMES, drawShape, SHAPE_NAMES } from '../factories/shapes.js';
import { ingestShapes, QUICK, withApp } from '../support/app.js';
import { createTestDatabase, describeOnEachKind } from '../support/catalog.js';
import { cliEnvironment } from '../support/cli.js';
import { runUntilKilled } from '../support/killed-child.js';
import { saveTinyModel } from '../support/tiny-model.js';

describeOnEachKind('a server that is killed while it extracts missing features', (kind) => {
  it('keeps the extracted features, and continues from them when the run is resumed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-kill-'));
    const database = kind === 'server' ? await createTestDatabase() : null;
    const env = cliEnvironment({
      COMMONSPACE_DATA: folder,
      IMAGE_EXTRACTOR: await saveTinyModel(join(folder, 'model')),
      ...(database !== null && { DATABASE_URL: database.url }),
    });
    const inApp = <T>(work: (app: App) => Promise<T>) => withApp(env, work);
    const extractorOf = async (app: App, id: string) => {
      const { imageExtractors } = await app.describe();
      return imageExtractors.find((one) => one.encoders.some((encoder) => encoder.id === id));
    };
    try {
      const first = await inApp(async (app) => {
        await ingestShapes(app);
        await app.ingest.ingest(await moreImages());
        return await app.training.train({ ...QUICK, preset: 'paper', epochs: 2 });
      });
      const id = await runUntilKilled(env, 'features');
      await inApp(async (app) => {
        expect(await app.encoders.byId(id)).toMatchObject({
          state: 'failed',
          failure: { code: 'INTERRUPTED' },
        });
        expect((await app.training.active())?.id).toBe(first.encoder);
        // The features of the first 64 of 120 images were stored together.
        expect(await extractorOf(app, id)).toMatchObject({ lacking: 56, configured: false, problem: null });
        const steps: TrainingProgress[] = [];
        await app.training.resumeHere(id, { onProgress: (event) => steps.push(event) });
        // The same job goes on.
        expect(steps[0]).toEqual({ stage: 'features', done: 120, all: 120, failed: 0 });
        expect(await extractorOf(app, id)).toMatchObject({ lacking: 0 });
        expect((await app.encoders.require(id)).state).toBe('ready');
        expect((await app.training.active())?.id).toBe(first.encoder);
      });
    } finally {
      await database?.drop();
      await rm(folder, { recursive: true, force: true });
    }
  });
});

/** 60 images without a caption. */
async function moreImages() {
  const wanted = SHAPE_NAMES.flatMap((shape) =>
    COLOUR_NAMES.flatMap((colour) => [18, 22].map((radius) => ({ shape, colour, radius }))),
  );
  return await Promise.all(
    wanted.map(async ({ shape, colour, radius }) => ({
      content: { bytes: await drawShape(shape, colour, radius) },
      externalId: `${radius}-${colour}-${shape}`,
    })),
  );
}
