import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cosine } from '../../src/domain/vectors.js';
import { WRONG_SHARE_CUT } from '../../src/evaluation/similarity-thresholds.js';
import type { ExplanationContext } from '../../src/services/search/explanation-service.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { trainingPairsFilter } from '../../src/services/search/training-pairs.js';
import { drawShape, SHAPE_NAMES } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

const request = (query: SearchRequest['query'], rest: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  target: 'IMAGE',
  by: ['CONTENT'],
  filter: null,
  first: 100,
  after: null,
  minScore: null,
  ...rest,
});
const code = (expected: string, field?: readonly string[]) =>
  expect.objectContaining({ code: expected, ...(field && { field }) });

describeOnEachKind('unseen classes', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
    await ingestShapes(app);
    await app.classes.create('ellipse', 'a big red circle, drawn out');
  });
  afterAll(() => app.close());

  describe('before any training', () => {
    it('are searched by their names, and have no similarity threshold', async () => {
      const page = await app.search.search(
        request({ className: 'circle' }, { by: ['COUNTERPART'], first: 1 }),
      );
      expect(page.results[0]?.item.externalId).toMatch(/circle/);
      expect(page.explainedBy).toBeNull();
      await expect(
        app.search.search(request({ text: 'ring' }, { by: ['COUNTERPART'], threshold: 'AUTO' })),
      ).rejects.toEqual(code('NOT_CALIBRATED', ['cutOff']));
    });
  });

  describe('after training', () => {
    beforeAll(async () => {
      await app.training.train({ ...QUICK, unseen: ['ring'], holdout: 0.3 });
    });

    it('are listed, searched and results of classify at once', async () => {
      const unseen = await app.classes.page(null, false, 10, null);
      expect(unseen.classes.map(({ row }) => row.name)).toEqual(['ellipse', 'ring']);
      expect(await (await app.classes.page(null, true, 10, null)).count()).toBe(4);

      for (const query of [
        { text: 'a big red circle, drawn out' },
        { bytes: await drawShape('circle', 'red') },
      ]) {
        const all = await app.classes.classify(query, null, 10);
        expect(all.map((score) => score.class.name).sort()).toEqual([...SHAPE_NAMES, 'ellipse'].sort());
        expect(all.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
        const some = await app.classes.classify(query, ['ellipse', 'ring'], 10);
        expect(some).toHaveLength(2);
      }
      const [first] = await app.classes.classify(
        { text: 'ellipse: a big red circle, drawn out' },
        ['ellipse', 'cross'],
        1,
      );
      expect(first?.class.name).toBe('ellipse');

      expect((await app.search.search(request({ text: 'ellipse' }))).results.length).toBeGreaterThan(0);
      const nothingYet = await app.search.search(
        request({ text: 'ellipse' }, { filter: { classNames: ['ellipse'] } }),
      );
      expect(nothingYet.results).toEqual([]);
      const page = await app.search.search(request({ className: 'ellipse' }, { first: 5 }));
      expect(page.results).toHaveLength(5);
      expect(page.results[0]?.score).toBeCloseTo(
        (await app.classes.classify({ itemId: page.results[0]?.item.id ?? '' }, ['ellipse'], 1))[0]
          ?.similarity ?? Number.NaN,
        5,
      );
    });

    it('are unknown without a class of that name', async () => {
      await expect(app.search.search(request({ className: 'nope' }))).rejects.toEqual(
        code('UNKNOWN_CLASS', ['query', 'className']),
      );
      await expect(app.classes.classify({ text: 'x' }, ['nope'], 1)).rejects.toEqual(
        code('UNKNOWN_CLASS', ['among']),
      );
    });

    it("move toward their items' mean as items arrive", async () => {
      const { row, prototypeOf } = await inSpace(app);
      await app.classes.create('rhombus', null);
      const vectors: Float32Array[] = [];
      const prototypes = [await prototypeOf('rhombus')];
      for (const [i, colour] of (['red', 'green', 'blue', 'yellow'] as const).entries()) {
        const [outcome] = await app.ingest.ingest([
          {
            content: { bytes: await drawShape('square', colour, 17) },
            externalId: `rhombus-${i}`,
            classes: ['rhombus'],
          },
        ]);
        if (outcome === undefined || outcome.status === 'FAILED') throw new Error('not ingested');
        const item = await app.items.byExternalId(`rhombus-${i}`);
        const embedding = await app.catalog.vectors.itemEmbedding(row.id, item?.id ?? '');
        if (embedding) vectors.push(embedding);
        prototypes.push(await prototypeOf('rhombus'));
      }
      expect(vectors).toHaveLength(4);
      const mean = vectors.reduce((sum, v) => sum.map((x, j) => x + (v[j] ?? 0)));
      const closeness = prototypes.map((prototype) => cosine(prototype, mean));
      expect(closeness).toEqual(closeness.toSorted((a, b) => a - b));
      expect(closeness.at(-1)).toBeGreaterThan(closeness[0] ?? 1);
      // The prototype now finds the items.
      const found = await app.search.search(
        request({ className: 'rhombus' }, { filter: { classNames: ['rhombus'] } }),
      );
      expect(found.results).toHaveLength(4);
      await app.items.delete(found.results.map(({ item }) => item.id));
    });

    it('are in the evaluation: the accuracy on held-out items', async () => {
      const report = await app.training.activeReport();
      const figures = report?.evaluation.classification;
      expect(figures?.IMAGE.unseen).toMatchObject({
        items: 12,
        amongOwn: { classes: 2 },
        amongAll: { classes: 6 },
      });
      expect(figures?.TEXT.seen?.amongAll.top1).toBeGreaterThan(figures?.TEXT.seen?.amongAll.chance1 ?? 1);
      expect(figures?.IMAGE.harmonicMean).not.toBeNull();
    });

    it('have calibrated similarity thresholds that leave out wrong results', async () => {
      const { row } = await inSpace(app);
      const cutOff = row.config.cutOffs?.find(
        (c) => c.evidence === 'CONTENT' && c.query === 'TEXT' && c.target === 'IMAGE',
      );
      const query = { text: 'a small green square' };
      const whole = await app.search.search(request(query));
      const page = await app.search.search(request(query, { threshold: 'AUTO' }));
      expect(page.results.length).toBeLessThan(whole.results.length);
      expect(page.results.map(({ item }) => item.id)).toEqual(
        whole.results.filter(({ score }) => score >= (cutOff?.threshold ?? 2)).map(({ item }) => item.id),
      );
      expect(cutOff?.wrongCut).toBeGreaterThan(WRONG_SHARE_CUT - 0.1);

      const paged = await app.search.search(request(query, { threshold: 'AUTO', first: 2 }));
      expect(paged.hasNextPage).toBe(page.results.length > 2);
    });

    it('refuse a calibrated threshold that contradicts the request', async () => {
      const auto = { threshold: 'AUTO' } as const;
      const search = (query: SearchRequest['query'], rest: Partial<SearchRequest>) =>
        app.search.search(request(query, { ...auto, ...rest }));
      await expect(search({ text: 'x' }, { target: null })).rejects.toEqual(code('BAD_INPUT', ['target']));
      await expect(search({ text: 'x' }, { minScore: 0.1 })).rejects.toEqual(code('BAD_INPUT', ['cutOff']));
      await expect(search({ className: 'ring' }, {})).rejects.toEqual(code('BAD_INPUT', ['cutOff']));
      const byFilter = await search({ text: 'x' }, { target: null, filter: { modality: 'TEXT' } });
      expect(byFilter.results.every(({ item }) => item.modality === 'TEXT')).toBe(true);
    });

    it('explain a result by classes and by training pairs alone', async () => {
      const { row, prototypeOf } = await inSpace(app);
      const page = await app.search.search(request({ text: 'a big red circle' }, { first: 20 }));
      const context = page.explainedBy as ExplanationContext;
      const ids = page.results.map(({ item }) => item.id);
      const explanations = await app.explanations.explain(context, ids);
      expect([...explanations.keys()].sort()).toEqual([...ids].sort());

      const trainedOn = new Set(await app.catalog.items.idsOf(trainingPairsFilter(row)));
      const report = await app.training.activeReport();
      expect(trainedOn.size).toBe(2 * (report?.pairs ?? 0));
      for (const result of page.results) {
        const explanation = explanations.get(result.item.id);
        expect(explanation?.similarity).toBeCloseTo(result.score, 5);
        expect(explanation?.encoderVersion).toBe(row.id);
        const [nearest] = explanation?.classes ?? [];
        const prototype = await prototypeOf(nearest?.class.name ?? '');
        expect(nearest?.querySimilarity).toBeCloseTo(cosine(context.query, prototype), 5);
        const together = (explanation?.classes ?? []).map((c) => c.querySimilarity + c.itemSimilarity);
        expect(together).toEqual(together.toSorted((a, b) => b - a));
        expect(explanation?.pairs).toHaveLength(3);
        for (const { image, text } of explanation?.pairs ?? []) {
          expect(image.pairId).toBe(text.pairId);
          expect(trainedOn.has(image.id) && trainedOn.has(text.id)).toBe(true);
          expect(image.externalId).not.toMatch(/ring/);
        }
      }
    });

    it('explain by the encoder of the search, even if another becomes active', async () => {
      const page = await app.search.search(request({ text: 'a big red circle' }, { first: 3 }));
      const context = page.explainedBy as ExplanationContext;
      const ids = page.results.map(({ item }) => item.id);
      const before = await app.explanations.explain(context, ids);
      await app.training.train({ ...QUICK, epochs: 2, holdout: 0 });
      expect((await app.training.active())?.id).not.toBe(context.active.row.id);
      expect(await app.explanations.explain(context, ids)).toEqual(before);
      // This training held out nothing.
      await expect(app.search.search(request({ text: 'x' }, { threshold: 'AUTO' }))).rejects.toThrow(
        /--holdout/,
      );
      await app.catalog.encoders.activate(context.active.row.id);
    });
  });
});

/** The active encoder and its prototype of a class. */
async function inSpace(app: TestApp) {
  const row = await app.training.active();
  if (row === null) throw new Error('no encoder');
  const prototypeOf = async (name: string): Promise<Float32Array> => {
    const page = await app.search.search(request({ className: name }, { first: 1 }));
    return page.explainedBy?.query ?? new Float32Array(row.dimension);
  };
  return { row, prototypeOf };
}
