import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EVIDENCES, type Evidence } from '../../src/domain/evidence.js';
import type { SearchRequest } from '../../src/services/search/search-request.js';
import { LEAST_PROBABILITY } from '../../src/services/search/similarity-threshold.js';
import { drawShape } from '../factories/shapes.js';
import { ingestShapes, openTestApp, QUICK, type TestApp } from '../support/app.js';
import { describeOnEachKind } from '../support/catalog.js';

const CONTENT: readonly Evidence[] = ['CONTENT'];
const COUNTERPART: readonly Evidence[] = ['COUNTERPART'];

const request = (query: SearchRequest['query'], rest: Partial<SearchRequest> = {}): SearchRequest => ({
  query,
  target: null,
  by: EVIDENCES,
  filter: null,
  first: 20,
  after: null,
  minScore: null,
  ...rest,
});
const code = (expected: string, field?: readonly string[]) =>
  expect.objectContaining({ code: expected, ...(field && { field }) });

describeOnEachKind('search', (kind) => {
  let app: TestApp;
  const keys = async (query: SearchRequest['query'], rest: Partial<SearchRequest> = {}) =>
    (await app.search.search(request(query, rest))).results.map(({ item }) => item.externalId);

  /** Each block has its own catalogue, so that none depends on another. */
  function withShapes(prepare: () => Promise<void>): void {
    beforeAll(async () => {
      app = await openTestApp(kind);
      await prepare();
    });
    afterAll(() => app.close());
  }

  describe('of an empty catalogue', () => {
    withShapes(async () => {});

    it('fails with the command that trains if nothing can be compared', async () => {
      await expect(app.search.search(request({ text: 'a red circle' }))).rejects.toEqual(code('NO_ENCODER'));
      await expect(app.search.search(request({ text: 'a red circle' }))).rejects.toThrow(/commonspace train/);
    });
  });

  describe('before any training', () => {
    withShapes(() => ingestShapes(app));

    it('answers across modalities by counterparts, and within one by features', async () => {
      const page = await app.search.search(request({ text: 'a big red circle' }, { target: 'IMAGE' }));
      expect(page.results[0]?.item.externalId).toBe('big-red-circle.png');
      expect(page).toMatchObject({ mode: 'EXACT', encoderVersion: null });
      expect(page.results[0]?.evidence.map(({ evidence }) => evidence)).toEqual(['COUNTERPART', 'LEXICAL']);
      expect(
        await keys({ bytes: await drawShape('ring', 'blue', 26) }, { target: 'TEXT', first: 1 }),
      ).toEqual(['big-blue-ring.txt']);
      expect(
        await keys({ bytes: await drawShape('ring', 'blue', 26) }, { target: 'IMAGE', first: 1 }),
      ).toEqual(['big-blue-ring.png']);
    });

    it('refuses CONTENT alone and a vector with NO_ENCODER', async () => {
      await expect(app.search.search(request({ text: 'x' }, { by: CONTENT }))).rejects.toEqual(
        code('NO_ENCODER'),
      );
      await expect(app.search.search(request({ vector: [1, 2] }))).rejects.toEqual(code('NO_ENCODER'));
    });

    it('returns an empty page if only the filter excludes everything', async () => {
      const page = await app.search.search(
        request({ text: 'red' }, { filter: { metadata: { no: 'such' } } }),
      );
      expect(page.results).toEqual([]);
    });
  });

  describe('after training', () => {
    withShapes(async () => {
      await ingestShapes(app);
      await app.training.train(QUICK);
      await app.ingest.ingest([
        { content: { text: '一只老虎在树林里' }, externalId: 'tiger.zh' },
        { content: { text: '桌上的一杯红酒' }, externalId: 'wine.zh' },
      ]);
    });

    it('finds by CONTENT alone across modalities, better than chance', async () => {
      // A quick training on few images learns the class, of which there are five.
      const found = await Promise.all(
        (['circle', 'square', 'triangle', 'cross', 'ring'] as const).map(async (shape) => {
          const ids = await keys({ text: `a big red ${shape}` }, { target: 'IMAGE', by: CONTENT, first: 5 });
          return ids.filter((id) => id?.includes(shape)).length / ids.length;
        }),
      );
      expect(found.reduce((sum, share) => sum + share) / found.length).toBeGreaterThan(0.5);
    });

    it('fuses all kinds of evidence to a probability and returns each one’s rank', async () => {
      const page = await app.search.search(
        request({ text: 'a big red circle' }, { target: 'IMAGE', first: 5 }),
      );
      const [first] = page.results;
      expect(first?.item.externalId).toBe('big-red-circle.png');
      expect(first?.evidence.map(({ evidence }) => evidence)).toEqual(['CONTENT', 'COUNTERPART', 'LEXICAL']);
      const ranks = Object.fromEntries(first?.evidence.map(({ evidence, rank }) => [evidence, rank]) ?? []);
      expect(ranks).toMatchObject({ COUNTERPART: 1, LEXICAL: 1 });
      const scores = page.results.map(({ score }) => score);
      expect(scores.every((score) => score > 0 && score < 1)).toBe(true);
      // Only one picture is what the query asks for.
      expect(first?.score ?? 0).toBeGreaterThan(0.1);
      expect(scores[1]).toBeLessThan(first?.score ?? 0);
      expect(page.encoderVersion).toMatch(/^[0-9a-f-]{36}$/);
    });

    it.each([[null], [CONTENT], [COUNTERPART]])(
      'pages through everything once, in one order, by %j',
      async (by) => {
        const rest = { target: 'IMAGE' as const, ...(by && { by }) };
        const whole = await keys({ text: 'a small green square' }, { ...rest, first: 100 });
        const paged: (string | null)[] = [];
        let after: string | null = null;
        for (let pages = 0; pages < 20; pages += 1) {
          const page = await app.search.search(
            request({ text: 'a small green square' }, { ...rest, first: 7, after }),
          );
          expect(page.results.map(({ rank }) => rank)).toEqual(
            page.results.map((_, i) => paged.length + i + 1),
          );
          paged.push(...page.results.map(({ item }) => item.externalId));
          expect(page.hasPreviousPage).toBe(after !== null);
          if (!page.hasNextPage) break;
          after = page.results.at(-1)?.cursor ?? null;
        }
        expect(whole).toHaveLength(60);
        expect(paged).toEqual(whole);
      },
    );

    it('orders by score, descending', async () => {
      for (const by of [CONTENT, COUNTERPART, request({ text: '' }).by]) {
        const page = await app.search.search(request({ text: 'a ring' }, { by, first: 100 }));
        const scores = page.results.map(({ score }) => score);
        expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      }
    });

    it('ranks both modalities together without a target', async () => {
      const page = await app.search.search(request({ text: 'a big red circle' }, { first: 100 }));
      expect(new Set(page.results.map(({ item }) => item.modality))).toEqual(new Set(['IMAGE', 'TEXT']));
    });

    it('searches by an item and by a vector of the space', async () => {
      const item = await app.items.byExternalId('big-red-circle.png');
      expect(await keys({ itemId: item?.id ?? '' }, { target: 'TEXT', first: 3 })).toContain(
        'big-red-circle.txt',
      );
      const row = await app.training.active();
      const vector = await app.catalog.vectors.itemEmbedding(row?.id ?? '', item?.id ?? '');
      const page = await app.search.search(
        request({ vector: [...(vector ?? [])] }, { target: 'IMAGE', by: CONTENT, first: 1 }),
      );
      expect(page.results[0]?.item.id).toBe(item?.id);
      expect(page.results[0]?.score).toBeCloseTo(1, 5);
    });

    it('embeds what is ingested after training at once', async () => {
      const png = await drawShape('triangle', 'purple', 20);
      await app.ingest.ingest([{ content: { bytes: png }, externalId: 'late.png' }]);
      expect(await keys({ bytes: png }, { target: 'IMAGE', by: CONTENT, first: 1 })).toEqual(['late.png']);
      await app.items.delete([(await app.items.byExternalId('late.png'))?.id ?? '']);
    });

    it('filters by class, modality, metadata and combinations', async () => {
      const rings = await keys({ text: 'red' }, { filter: { classNames: ['ring'] }, first: 100 });
      expect(rings).toHaveLength(24);
      expect(rings.every((key) => key?.includes('ring'))).toBe(true);
      const filter = {
        and: [{ modality: 'TEXT' as const }, { not: { classNames: ['ring', 'cross'] } }],
        or: [{ classNames: ['circle'] }, { classNames: ['square', 'triangle'] }],
      };
      const others = await keys({ text: 'red' }, { filter, first: 100 });
      expect(others).toHaveLength(36);
      expect(others.every((key) => /-(circle|square|triangle)\.txt$/.test(key ?? ''))).toBe(true);
    });

    it('cuts off below minScore', async () => {
      const all = await app.search.search(request({ text: 'a ring' }, { by: CONTENT, first: 100 }));
      const cut = all.results[9]?.score ?? 0;
      const page = await app.search.search(
        request({ text: 'a ring' }, { by: CONTENT, first: 100, minScore: cut }),
      );
      expect(page.results).toHaveLength(10);
      expect(page.hasNextPage).toBe(false);
    });

    it('cuts fused results off below minScore and by AUTO, on every page', async () => {
      const query = { text: 'a big red circle' };
      const whole = await app.search.search(request(query, { target: 'IMAGE', first: 100 }));
      const least = whole.results[4]?.score ?? Number.NaN;
      const cut = await app.search.search(request(query, { target: 'IMAGE', minScore: least, first: 2 }));
      const rest = await app.search.search(
        request(query, {
          target: 'IMAGE',
          minScore: least,
          first: 100,
          after: cut.results.at(-1)?.cursor ?? null,
        }),
      );
      expect([...cut.results, ...rest.results].map(({ item, score }) => [item.id, score])).toEqual(
        whole.results.filter(({ score }) => score >= least).map(({ item, score }) => [item.id, score]),
      );
      const auto = await app.search.search(request(query, { threshold: 'AUTO', first: 100 }));
      expect(auto.results.length).toBeLessThan(whole.results.length);
      expect(auto.results.every(({ score }) => score >= LEAST_PROBABILITY)).toBe(true);
    });

    it('finds by words alone, and by the captions of neighbours alone', async () => {
      const byWords = await app.search.search(
        request({ text: 'gren squares' }, { target: 'IMAGE', by: ['LEXICAL'], first: 2 }),
      );
      expect(byWords.results.map(({ item }) => item.externalId?.includes('green-square'))).not.toContain(
        false,
      );
      expect(byWords.results[0]?.evidence[0]).toMatchObject({ evidence: 'LEXICAL', rank: 1 });
      await app.ingest.ingest([
        { content: { bytes: await drawShape('ring', 'blue', 25) }, externalId: 'bare.png' },
      ]);
      const borrowed = await app.search.search(
        request({ text: 'a big blue ring' }, { target: 'IMAGE', by: ['BORROWED'] }),
      );
      expect(borrowed.results.map(({ item }) => item.externalId)).toEqual(['bare.png']);
      const fused = await app.search.search(
        request({ text: 'a big blue ring' }, { target: 'IMAGE', first: 100 }),
      );
      const bare = fused.results.find(({ item }) => item.externalId === 'bare.png');
      expect(bare?.evidence.map(({ evidence }) => evidence)).toEqual(
        expect.arrayContaining(['CONTENT', 'BORROWED']),
      );
      expect(bare?.evidence.map(({ evidence }) => evidence)).not.toContain('COUNTERPART');
      await app.items.delete([bare?.item.id ?? '']);
    });

    it('gives a kind of evidence no say with weight 0', async () => {
      const search = (lexical: number) =>
        app.search.search(
          request({ text: 'gren' }, { target: 'IMAGE', weights: { lexical, borrowed: 0 }, first: 100 }),
        );
      const [without, withWords] = [await search(0), await search(10)];
      expect(without.results.map(({ score }) => score)).not.toEqual(
        withWords.results.map(({ score }) => score),
      );
      expect(withWords.results[0]?.item.externalId).toContain('green');
    });

    it('normalises full-width characters, and searches Chinese texts', async () => {
      const normal = await keys({ text: 'a big red circle' }, { target: 'IMAGE' });
      expect(await keys({ text: 'ａ　ｂｉｇ　ｒｅｄ　ｃｉｒｃｌｅ' }, { target: 'IMAGE' })).toEqual(normal);
      expect(await keys({ text: '老虎' }, { target: 'TEXT', by: COUNTERPART, first: 1 })).toEqual([
        'tiger.zh',
      ]);
      expect(await keys({ text: '紅酒１杯 红酒' }, { target: 'TEXT', by: COUNTERPART, first: 1 })).toEqual([
        'wine.zh',
      ]);
    });

    it.each<[string, SearchRequest['query'], Partial<SearchRequest>, string, string[]]>([
      ['an empty text', { text: '' }, {}, 'EMPTY_TEXT', ['query', 'text']],
      [
        'a text of 2 million characters',
        { text: 'x'.repeat(2_000_000) },
        {},
        'TEXT_TOO_LONG',
        ['query', 'text'],
      ],
      ['wrong base64', { imageBase64: '***' }, {}, 'BAD_BASE64', ['query', 'imageBase64']],
      ['an unknown item', { itemId: 'nope' }, {}, 'ITEM_NOT_FOUND', ['query', 'itemId']],
      ['a vector of the wrong length', { vector: [1, 2, 3] }, {}, 'WRONG_DIMENSION', ['query', 'vector']],
      ['a vector of zeros', { vector: new Array<number>(64).fill(0) }, {}, 'BAD_INPUT', ['query', 'vector']],
      [
        'a vector by counterpart',
        { vector: new Array<number>(64).fill(1) },
        { by: COUNTERPART },
        'BAD_INPUT',
        ['by'],
      ],
      [
        'an unknown class',
        { text: 'x' },
        { filter: { or: [{ classNames: ['nope'] }] } },
        'UNKNOWN_CLASS',
        ['filter', 'classNames'],
      ],
      ['no evidence at all', { text: 'x' }, { by: [] }, 'BAD_INPUT', ['by']],
      [
        'a negative minScore with several kinds',
        { text: 'x' },
        { minScore: -0.1 },
        'BAD_INPUT',
        ['minScore'],
      ],
      [
        'a weight beyond 10',
        { text: 'x' },
        { weights: { lexical: 11 } },
        'BAD_INPUT',
        ['weights', 'lexical'],
      ],
      ['words of a picture', { itemId: '' }, { by: ['LEXICAL'] }, 'ITEM_NOT_FOUND', ['query', 'itemId']],
      ['minScore beyond 1', { text: 'x' }, { by: CONTENT, minScore: 2 }, 'BAD_INPUT', ['minScore']],
      ['a page size of 0', { text: 'x' }, { first: 0 }, 'BAD_INPUT', ['first']],
      ['a page too large', { text: 'x' }, { first: 101 }, 'BAD_INPUT', ['first']],
      ['an invalid cursor', { text: 'x' }, { after: 'made-up' }, 'BAD_CURSOR', ['after']],
    ])('refuses %s, naming the field', async (_what, query, rest, expected, field) => {
      await expect(app.search.search(request(query, rest))).rejects.toEqual(code(expected, field));
    });

    it('refuses a cursor from another query', async () => {
      const page = await app.search.search(request({ text: 'a ring' }, { first: 1 }));
      const after = page.results[0]?.cursor ?? '';
      await expect(app.search.search(request({ text: 'a cross' }, { after }))).rejects.toEqual(
        code('BAD_CURSOR', ['after']),
      );
    });
  });

  describe('classes', () => {
    let hexagon: { readonly id: string };
    withShapes(async () => {
      await ingestShapes(app);
      await app.training.train(QUICK);
      hexagon = await app.classes.create('hexagon', 'a shape with six sides');
    });

    it('are listed by name with counts, and by seen and unseen', async () => {
      const all = await app.classes.page(null, null, 50, null);
      expect(all.classes.map(({ row }) => row.name)).toEqual([
        'circle',
        'cross',
        'hexagon',
        'ring',
        'square',
        'triangle',
      ]);
      const counts = await app.classes.itemCounts(
        all.classes.map(({ row }) => row.id),
        'IMAGE',
      );
      expect([...counts.values()]).toEqual([12, 12, 0, 12, 12, 12]);
      const unseen = await app.classes.page(null, false, 50, null);
      expect(unseen.classes.map(({ row }) => row.id)).toEqual([hexagon.id]);
      const paged = await app.classes.page('R', null, 2, null);
      const rest = await app.classes.page('R', null, 2, paged.classes.at(-1)?.cursor ?? null);
      expect([...paged.classes, ...rest.classes].map(({ row }) => row.name)).toEqual([
        'circle',
        'cross',
        'ring',
        'square',
      ]);
      expect([paged.hasNextPage, rest.hasNextPage, await paged.count()]).toEqual([true, true, 5]);
    });

    it('classify texts and images, among all or some, including a class without items', async () => {
      const [best] = await app.classes.classify({ text: 'a big green square' }, null, 1);
      expect(best?.class.name).toBe('square');
      const scores = await app.classes.classify(
        { bytes: await drawShape('cross', 'red', 26) },
        ['cross', 'hexagon', 'circle'],
        5,
      );
      expect(scores[0]?.class.name).toBe('cross');
      expect(scores.map((score) => score.class.name).sort()).toEqual(['circle', 'cross', 'hexagon']);
      expect(scores.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 9);
    });

    it('refuse an existing or empty name, and unknown classes', async () => {
      await expect(app.classes.create('ring', null)).rejects.toEqual(code('CLASS_EXISTS', ['name']));
      await expect(app.classes.create('  ', null)).rejects.toEqual(code('BAD_INPUT', ['name']));
      await expect(app.classes.classify({ text: 'x' }, ['nope'], 1)).rejects.toEqual(
        code('UNKNOWN_CLASS', ['among']),
      );
      await expect(app.classes.classify({ text: 'x' }, [], 1)).rejects.toEqual(code('BAD_INPUT', ['among']));
    });
  });
});
