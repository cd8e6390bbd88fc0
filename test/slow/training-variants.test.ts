import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { heldOutSummary } from '../../src/cli/held-out-summary.js';
import { createRandom } from '../../src/encoder/math/random.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind, emptyCatalog } from '../support/catalog.js';

describeOnEachKind('trainings on various pairs', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
  });
  afterAll(() => app.close());
  beforeEach(() => emptyCatalog(app.catalog));

  it('gives the same figures and weights for the same seed, and other weights for another seed', async () => {
    await ingestShapes(app);
    const weights = async (seed: number) => {
      const { evaluation } = await app.training.train({ ...QUICK, epochs: 3, seed, force: true });
      return {
        holdout: heldOutSummary(evaluation),
        bytes: Buffer.from(await app.training.activeWeights()).toString('base64'),
      };
    };
    const [one, two] = [await weights(5), await weights(5)];
    expect(two).toEqual(one);
    // That a seed matters does not depend on the database, and a training takes seconds.
    if (kind === 'embedded') expect((await weights(6)).bytes).not.toBe(one.bytes);
  });

  it('trains on pairs without a class, and on a catalogue without any class', async () => {
    await ingestShapes(app, { classes: false });
    const none = await app.training.train(QUICK);
    expect(none).toMatchObject({ pairs: 48, classes: 0 });
    expect(none.notes.join(' ')).toMatch(/class/i);
    const ofNone = heldOutSummary(none.evaluation)?.seen;
    expect(ofNone?.['recall@10']).toBeGreaterThan(0);
    expect(ofNone?.i2t_map).toBeNull();

    const random = createRandom(1);
    const items = Array.from({ length: 40 }, (_, i) => i).flatMap((i) => {
      const classes = i % 2 === 0 ? [] : [`c${i % 3}`];
      const pairKey = `p${i}`;
      return [
        { content: { text: `words ${random.uint32()} ${i}` }, externalId: `t${i}`, classes, pairKey },
        { content: { text: `more ${i}` }, externalId: `u${i}`, classes, pairKey },
      ];
    });
    await app.ingest.ingest(items);
    const png = await drawShape('cross', 'red', 11);
    await app.ingest.ingest([
      { content: { bytes: png }, externalId: 'mixed', classes: ['c1'], pairKey: 'p1' },
    ]);
    const mixed = await app.training.train({ ...QUICK, holdout: 0 });
    // The image of pair p1 makes a pair with each of its two texts; texts without an image make none.
    expect(mixed).toMatchObject({ pairs: 62, classes: 1 });
    expect(heldOutSummary(mixed.evaluation)).toMatchObject({ seen: null, unseen: null, chance: null });
  });

  it('trains on the images of a filter, and measures on the others', async () => {
    await ingestShapes(app);
    const big = await app.training.train({
      ...QUICK,
      holdout: 0,
      learnFrom: { not: { classNames: ['cross'] } },
    });
    expect(big).toMatchObject({
      pairs: 48,
      classes: 4,
      evaluation: { seen: null, unseen: { images: 12, texts: 12 } },
    });
  });
});
