import { afterAll, beforeAll, expect, it } from 'vitest';
import { EVIDENCES } from '../../src/domain/evidence.js';
import { SHIPPED_COEFFICIENTS } from '../../src/domain/fusion.js';
import { loadEncoder } from '../../src/encoder/inference/serialise.js';
import { Checkpoints } from '../../src/services/encoders/checkpoints.js';
import { FusionCalibration } from '../../src/services/encoders/fusion-calibration.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

describeOnEachKind('the calibration of fused searches', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
    await ingestShapes(app);
    await app.training.train({ ...QUICK, holdout: 0.5 });
    await app.ingest.ingest([
      { content: { bytes: await drawShape('ring', 'red', 24) }, externalId: 'bare.png' },
    ]);
  });
  afterAll(() => app.close());

  const fusion = async () => (await app.catalog.encoders.active())?.config.fusion;

  it('keeps the shipped coefficients with fewer than 100 held-out pairs', async () => {
    const result = await app.calibrate();
    expect(result).toMatchObject({ coefficients: null, pairs: 30, queries: 0 });
    expect(result.reason).toContain('100 are needed');
    expect(await fusion()).toEqual({});
  });

  it('is fitted on held-out pairs, stored with the encoder and used by its searches', async () => {
    const search = async () => {
      const page = await app.search.search({
        query: { text: 'red ring' },
        target: 'IMAGE',
        by: EVIDENCES,
        filter: null,
        first: 100,
        after: null,
        minScore: null,
      });
      return page.results.find(({ item }) => item.externalId === 'bare.png')?.score;
    };
    const before = await search();
    const active = await app.catalog.encoders.active();
    if (active === null) throw new Error('no encoder');
    const loaded = { row: active, encoder: loadEncoder(await app.catalog.encoders.weights(active.id)) };
    const shown: string[] = [];
    const calibration = new FusionCalibration(app.catalog, app.textExtractors, new Checkpoints(app.runs), 10);
    const result = await calibration.calibrate(loaded, {
      onProgress: (done, all) => shown.push(`${done}/${all}`),
    });
    expect(result).toMatchObject({ pairs: 30, reason: null });
    expect(shown.at(-1)).toBe(`${result.queries}/${result.queries}`);
    const { TEXT } = SHIPPED_COEFFICIENTS;
    expect(result.coefficients?.withCounterpart).toEqual(TEXT.withCounterpart);
    expect(result.coefficients?.withoutCounterpart).not.toEqual(TEXT.withoutCounterpart);
    expect(await fusion()).toEqual({ TEXT: result.coefficients });
    expect(await search()).not.toBe(before);
    // The same pairs and seed give the same coefficients.
    expect((await calibration.calibrate(loaded)).coefficients).toEqual(result.coefficients);
    await app.catalog.encoders.keepFusion(active.id, {});
    expect(await search()).toBe(before);
  });
});
