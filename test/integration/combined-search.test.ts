import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVIDENCES, type Evidence } from '../../src/domain/evidence.js';
import { unit } from '../../src/domain/vectors.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

const request = (query: SearchRequest['query'], rest: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  target: 'IMAGE',
  by: EVIDENCES,
  filter: null,
  first: 100,
  after: null,
  minScore: null,
  ...rest,
});
const RED_CIRCLE = { text: 'a big red circle' };
const MINUS = {
  all: [
    { query: { text: 'a circle' }, weight: 1 },
    { query: { text: 'red' }, weight: -0.7 },
  ],
};

describeOnEachKind('a search', (kind) => {
  let app: TestApp;
  beforeAll(async () => {
    app = await openTestApp(kind);
    await ingestShapes(app);
    await app.training.train(QUICK);
    // Two copies of a picture, of which one has metadata and neither has a caption.
    const png = await drawShape('circle', 'red', 25);
    await app.ingest.ingest([
      { content: { bytes: png }, externalId: 'copy1', title: 'é', metadata: { set: 'x' } },
      { content: { bytes: png }, externalId: 'copy2', title: 'a', pairKey: 'own', metadata: { set: 'x' } },
    ]);
  });
  afterAll(() => app.close());

  const results = async (query: SearchRequest['query'], rest: Partial<SearchRequest> = {}) =>
    (await app.search.search(request(query, rest))).results.map(({ item, score, evidence, rank }) => ({
      key: item.externalId ?? '',
      score,
      evidence,
      rank,
    }));
  const keys = async (...args: Parameters<typeof results>) => (await results(...args)).map(({ key }) => key);

  /** All results by pages of a size. */
  async function paged(query: SearchRequest['query'], rest: Partial<SearchRequest>, first: number) {
    const found: string[] = [];
    let after: string | null = null;
    do {
      const page = await app.search.search(request(query, { ...rest, first, after }));
      expect(page.results.map(({ rank }) => rank)).toEqual(page.results.map((_, i) => found.length + i + 1));
      found.push(...page.results.map(({ item }) => item.externalId ?? ''));
      after = page.hasNextPage ? (page.results.at(-1)?.cursor ?? null) : null;
    } while (after !== null);
    return found;
  }

  describe('by several queries', () => {
    it('is the plain search for one part, whatever its weight', async () => {
      for (const by of [EVIDENCES, ['CONTENT'], ['COUNTERPART'], ['LEXICAL']] as const) {
        const plain = await results(RED_CIRCLE, { by });
        expect(await results({ all: [{ query: RED_CIRCLE, weight: 1 }] }, { by })).toEqual(plain);
        expect(await results({ all: [{ query: RED_CIRCLE, weight: 0.3 }] }, { by })).toEqual(plain);
      }
    });

    it('depends neither on the order of the parts nor on the scale of the weights', async () => {
      const parts = [
        ...MINUS.all,
        { query: { bytes: await drawShape('ring', 'blue', 26) }, weight: 0.5 },
      ] as const;
      const found = await results({ all: parts });
      const reversed = await results({ all: parts.toReversed() });
      const scaled = await results({
        all: parts.map(({ query, weight }) => ({ query, weight: 4 * weight })),
      });
      for (const other of [reversed, scaled]) {
        expect(other.map(({ key }) => key)).toEqual(found.map(({ key }) => key));
        other.forEach(({ score }, i) => {
          expect(score).toBeCloseTo(found[i]?.score ?? Number.NaN, 6);
        });
      }
    });

    it.each<[string, readonly Evidence[]]>([
      ['all evidence', EVIDENCES],
      ['COUNTERPART', ['COUNTERPART']],
      ['LEXICAL', ['LEXICAL']],
    ])('ranks what matches a negative part lower, by %s', async (_name, by) => {
      const place = async (query: SearchRequest['query']) => {
        const found = await keys(query, { by });
        const circles = found.flatMap((key, i) => (/red-circle/.test(key) ? [i] : []));
        return circles.reduce((sum, i) => sum + i, 0) / circles.length;
      };
      expect(await place(MINUS)).toBeGreaterThan(await place({ text: 'a circle' }));
      expect((await keys(MINUS, { by }))[0]).toMatch(/circle/);
      expect((await keys(MINUS, { by }))[0]).not.toMatch(/red/);
    });

    it('by CONTENT scores by the cosine with the combined vector', async () => {
      const row = await app.training.active();
      const embeddingOf = async (key: string) => {
        const item = await app.items.byExternalId(key);
        const vector = await app.catalog.vectors.itemEmbedding(row?.id ?? '', item?.id ?? '');
        return { query: { itemId: item?.id ?? '' }, vector: [...(vector ?? [])] };
      };
      const a = await embeddingOf('big-red-circle.png');
      const b = await embeddingOf('big-blue-ring.png');
      const all = [
        { query: a.query, weight: 1 },
        { query: { vector: b.vector }, weight: -0.4 },
      ];
      const sum = unit(Float32Array.from(a.vector, (x, i) => x - 0.4 * (b.vector[i] ?? 0)));
      const combined = await results({ all }, { by: ['CONTENT'], target: null });
      const byVector = await results({ vector: [...sum] }, { by: ['CONTENT'], target: null });
      expect(combined.map(({ key }) => key)).toEqual(byVector.map(({ key }) => key));
      expect(combined[0]?.score).toBeCloseTo(byVector[0]?.score ?? Number.NaN, 5);
    });

    it.each([7, 20])('pages by %i to the same whole', async (first) => {
      expect(await paged(MINUS, {}, first)).toEqual(await keys(MINUS));
    });

    it('refuses weights that cancel, and names the field of a wrong part', async () => {
      const cancelled = [
        { query: RED_CIRCLE, weight: 1 },
        { query: RED_CIRCLE, weight: -1 },
      ];
      await expect(results({ all: cancelled })).rejects.toMatchObject({
        code: 'BAD_INPUT',
        field: ['query', 'all'],
      });
      const wrong = [
        { query: RED_CIRCLE, weight: 1 },
        { query: { itemId: 'nope' }, weight: 1 },
      ];
      await expect(results({ all: wrong })).rejects.toMatchObject({
        code: 'ITEM_NOT_FOUND',
        field: ['query', 'all', '1', 'itemId'],
      });
      const picture = { query: { bytes: await drawShape('ring', 'blue', 26) }, weight: 1 };
      await expect(
        results({ all: [{ query: RED_CIRCLE, weight: 1 }, picture] }, { by: ['LEXICAL'] }),
      ).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['query', 'all', '1'] });
    });
  });

  describe('that is rearranged', () => {
    it('has the same items with diversity, in another order', async () => {
      const plain = await results(RED_CIRCLE);
      expect(await results(RED_CIRCLE, { diversity: 0 })).toEqual(plain);
      const diverse = await results(RED_CIRCLE, { diversity: 0.7 });
      expect(diverse[0]?.key).toBe(plain[0]?.key);
      expect(diverse.map(({ key }) => key)).not.toEqual(plain.map(({ key }) => key));
      const scores = (found: typeof plain) => new Map(found.map(({ key, score }) => [key, score]));
      expect(scores(diverse)).toEqual(scores(plain));
    });

    it('ranks by the query moved towards its best results, with feedback', async () => {
      const byContent = { by: ['CONTENT'] as const };
      const plain = await results(RED_CIRCLE, byContent);
      expect(await results(RED_CIRCLE, { ...byContent, feedback: 0 })).toEqual(plain);
      const moved = await results(RED_CIRCLE, { ...byContent, feedback: 0.5 });
      expect(new Set(moved.map(({ key }) => key))).toEqual(new Set(plain.map(({ key }) => key)));
      const mean = (found: typeof plain) =>
        found.slice(0, 10).reduce((sum, { score }) => sum + score / 10, 0);
      // Towards the mean of the best results, their similarities to the query grow.
      expect(mean(moved)).toBeGreaterThan(mean(plain));
    });

    it('shows some results of each group, in order', async () => {
      const plain = await keys(RED_CIRCLE);
      const grouped = await keys(RED_CIRCLE, { groupBy: { by: 'CLASS', key: null, size: 1 } });
      const shape = (key: string) => /(circle|square|triangle|cross|ring)/.exec(key)?.[0] ?? key;
      expect(grouped).toEqual(
        plain.filter((key, i) => plain.findIndex((k) => shape(k) === shape(key)) === i),
      );
      expect(grouped).toHaveLength(7);
      expect(await keys(RED_CIRCLE, { groupBy: { by: 'CLASS', key: null, size: 2 } })).toHaveLength(12);
      expect(await keys(RED_CIRCLE, { groupBy: { by: 'PAIR', key: null, size: 1 } })).toEqual(plain);
      const bySet = await keys(RED_CIRCLE, { groupBy: { by: 'METADATA', key: 'set', size: 1 } });
      expect(bySet).toHaveLength(plain.length - 1);
    });

    it('hides copies of a picture before them', async () => {
      const plain = await keys(RED_CIRCLE);
      const shown = await keys(RED_CIRCLE, { duplicates: 'HIDE' });
      // Both may be copies of a shape that is nearly as large.
      expect(plain).toEqual(expect.arrayContaining(['copy1', 'copy2']));
      expect(shown.filter((key) => key.startsWith('copy')).length).toBeLessThan(2);
      expect(shown[0]).toBe(plain[0]);
      expect(plain.filter((key) => shown.includes(key))).toEqual(shown);
    });

    it('knows the group of copies of an image', async () => {
      const idOf = async (key: string) => (await app.items.byExternalId(key))?.id ?? '';
      const id = await idOf('copy2');
      const group = await app.duplicates.groupOf(id, null);
      expect(group?.kind).toBe('COPY');
      expect(group?.members.map(({ item }) => item.externalId)).toEqual(
        expect.arrayContaining(['copy1', 'copy2']),
      );
      const listed = (await app.duplicates.page(null, 50, null)).groups.map((each) => each.group);
      expect(listed).toContainEqual(group);
      const similar = await app.duplicates.groupOf(id, 0.9);
      expect(similar?.members.length).toBeGreaterThanOrEqual(group?.members.length ?? 0);
      expect(similar?.members.find((member) => member.item.id === id)?.similarity).toBeGreaterThan(0.9);
      expect(await app.duplicates.groupOf(await idOf('big-yellow-cross.png'), null)).toBeNull();
      expect(await app.duplicates.groupOf('00000000-0000-7000-8000-000000000000', null)).toBeNull();
    });

    it('is ordered by a value with a cut-off', async () => {
      const cut = { minScore: 0.0001 };
      const matched = await keys(RED_CIRCLE, cut);
      const byTime = await keys(RED_CIRCLE, { ...cut, orderBy: { field: 'CREATED_AT', direction: 'DESC' } });
      expect(byTime.toSorted()).toEqual(matched.toSorted());
      expect(byTime.slice(0, 2).every((key) => key.startsWith('copy'))).toBe(true);
      const byTitle = await keys(RED_CIRCLE, { ...cut, orderBy: { field: 'TITLE', direction: 'ASC' } });
      expect(byTitle.slice(0, 2)).toEqual(['copy2', 'copy1']);
      const worst = await keys(RED_CIRCLE, { ...cut, orderBy: { field: 'RELEVANCE', direction: 'ASC' } });
      expect(worst).toEqual(matched.toReversed());
      expect(await keys(RED_CIRCLE, { orderBy: { field: 'RELEVANCE', direction: 'DESC' } })).toEqual(
        await keys(RED_CIRCLE),
      );
    });

    it.each<[string, Partial<SearchRequest>]>([
      ['diversity', { diversity: 0.5 }],
      ['groups', { groupBy: { by: 'CLASS', key: null, size: 3 } }],
      ['duplicates', { duplicates: 'HIDE' }],
      ['order', { minScore: 0.0001, orderBy: { field: 'TITLE', direction: 'DESC' } }],
      ['one kind of evidence', { by: ['CONTENT'], diversity: 0.3, duplicates: 'HIDE' }],
    ])('pages to the same whole: %s', async (_name, rest) => {
      const whole = await keys(RED_CIRCLE, rest);
      for (const first of [5, 11]) expect(await paged(RED_CIRCLE, rest, first)).toEqual(whole);
    });

    it('goes on after the results that are rearranged', async () => {
      const texts = Array.from({ length: 260 }, (_, i) => ({
        content: { text: `a red circle, number ${i}` },
        externalId: `many${i}`,
        classes: ['circle'],
      }));
      await app.ingest.ingest(texts);
      const search = { by: ['CONTENT'] as const, target: 'TEXT' as const };
      const plain = await paged(RED_CIRCLE, search, 100);
      const grouped = { ...search, groupBy: { by: 'CLASS', key: null, size: 1 } } as const;
      const whole = await paged(RED_CIRCLE, grouped, 100);
      expect(whole.slice(-100)).toEqual(plain.slice(-100));
      expect(whole.length).toBeLessThan(plain.length);
      expect(new Set(whole).size).toBe(whole.length);
      expect(await paged(RED_CIRCLE, grouped, 37)).toEqual(whole);
      await app.items.delete(
        await app.catalog.items.idsOf({ and: [{ modality: 'TEXT' }, { classNames: ['circle'] }] }),
      );
    });

    it('tells which items match, with a cut-off or a filter', async () => {
      const matched = async (rest: Partial<SearchRequest>) => {
        const page = await app.search.search(request(RED_CIRCLE, { first: 2, ...rest }));
        return page.matched === null ? null : await app.items.count(await page.matched());
      };
      expect(await matched({})).toBeNull();
      expect(await matched({ filter: { classNames: ['ring'] } })).toBe(12);
      const cut = (await results(RED_CIRCLE))[4]?.score ?? Number.NaN;
      expect(await matched({ minScore: cut })).toBe(5);
    });

    it.each<[Partial<SearchRequest>, readonly string[]]>([
      [{ diversity: 1.1 }, ['diversity']],
      [{ diversity: Number.NaN }, ['diversity']],
      [{ feedback: 1.1 }, ['feedback']],
      [{ feedback: Number.NaN }, ['feedback']],
      [{ target: null, groupBy: { by: 'CLASS', key: null, size: 1 } }, ['groupBy']],
      [{ groupBy: { by: 'CLASS', key: null, size: 11 } }, ['groupSize']],
      [{ groupBy: { by: 'METADATA', key: null, size: 1 } }, ['groupBy', 'key']],
      [{ groupBy: { by: 'PAIR', key: 'set', size: 1 } }, ['groupBy', 'key']],
      [{ groupBy: { by: 'METADATA', key: 'no such', size: 1 } }, ['groupBy', 'key']],
      [{ orderBy: { field: 'TITLE', direction: 'ASC' } }, ['orderBy']],
    ])('refuses %j', async (rest, field) => {
      await expect(results(RED_CIRCLE, rest)).rejects.toMatchObject({ code: 'BAD_INPUT', field });
    });

    it('refuses a cursor of a search with another arrangement', async () => {
      const page = await app.search.search(request(RED_CIRCLE, { diversity: 0.5, first: 1 }));
      const after = page.results[0]?.cursor ?? '';
      await expect(results(RED_CIRCLE, { after })).rejects.toMatchObject({ code: 'BAD_CURSOR' });
      await expect(results(RED_CIRCLE, { after, diversity: 0.4 })).rejects.toMatchObject({
        code: 'BAD_CURSOR',
      });
    });
  });
});
