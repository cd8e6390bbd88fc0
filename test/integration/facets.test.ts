import { beforeAll, expect, it } from 'vitest';
import { CommonspaceError } from '../../src/domain/errors.js';
import { type FacetRequest, FacetService } from '../../src/services/search/facet-service.js';
import { FilterCheck } from '../../src/services/search/filter-check.js';
import { describeOnEachDatabase } from '../support/catalog.js';
import { imageWrite, randomOf, textWrite } from '../support/catalog-items.js';

const LONG = 'x'.repeat(1001);

/** 120 items: two thirds texts, up to three classes, and metadata of every JSON type. */
function writes() {
  const random = randomOf(7);
  const pick = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
  return Array.from({ length: 120 }, (_, i) =>
    (i % 3 === 0 ? imageWrite : textWrite)(`n${i}`, {
      classNames: ['b', 'a', 'é', 'C'].filter(() => random() < 0.4),
      metadata: {
        vendor: pick(['google', 'twitter', 'Google', '']),
        ...(random() < 0.5 && { year: pick([1999, 2001.5, '1999', true, null, [1999], { a: 1 }, LONG]) }),
      },
    }),
  );
}

describeOnEachDatabase('facets', (catalog) => {
  const items = writes();
  let service: FacetService;
  beforeAll(async () => {
    await catalog().items.upsertMany(items);
    service = new FacetService(catalog(), new FilterCheck(catalog()));
  });

  const request = (differing: Partial<FacetRequest> = {}): FacetRequest => ({
    filter: null,
    metadataKeys: [],
    classes: 20,
    values: 20,
    ...differing,
  });
  const FILTERS = [
    null,
    { modality: 'IMAGE' },
    { classNames: ['a'] },
    { ids: items.slice(0, 9).map(({ id }) => id) },
  ] as const;
  const matching = (index: number) =>
    items.filter(
      ({ modality, classNames }, i) => [true, modality === 'IMAGE', classNames?.includes('a'), i < 9][index],
    );

  /** Values with their numbers, by number descending, then by code point. */
  function tally(values: readonly (string | number | boolean)[]): [string, number][] {
    const counts = new Map<string, number>();
    for (const value of values)
      counts.set(JSON.stringify(value), (counts.get(JSON.stringify(value)) ?? 0) + 1);
    const text = (json: string) => String(JSON.parse(json));
    return [...counts].sort(
      ([a, n], [b, m]) => m - n || (text(a) < text(b) ? -1 : text(a) > text(b) ? 1 : 0),
    );
  }

  it.each(FILTERS.map((filter, i) => [JSON.stringify(filter)?.slice(0, 40), i] as const))(
    'count what matches %s',
    async (_name, index) => {
      const filter = FILTERS[index] ?? null;
      const expected = matching(index);
      expect(await service.total(request({ filter }))).toBe(expected.length);
      const modalities = await service.modalities(request({ filter }));
      expect(modalities.map(({ modality, count }) => [JSON.stringify(modality), count])).toEqual(
        tally(expected.map(({ modality }) => modality)).sort(),
      );
      const classes = await service.classes(request({ filter }));
      expect(classes.map((counted) => [JSON.stringify(counted.class.name), counted.count])).toEqual(
        tally(expected.flatMap(({ classNames }) => classNames ?? [])),
      );
      const [year, vendor] = await service.metadata(request({ filter, metadataKeys: ['year', 'vendor'] }));
      const scalars = (key: string) =>
        expected.flatMap(({ metadata }) => {
          const value = metadata[key];
          const counts =
            typeof value === 'number' ||
            typeof value === 'boolean' ||
            (typeof value === 'string' && value !== LONG);
          return counts ? [value] : [];
        });
      expect([year?.key, vendor?.key]).toEqual(['year', 'vendor']);
      for (const facet of [year, vendor]) {
        const key = facet?.key ?? '';
        const byText = (rows: readonly (readonly [string, number])[]) => [...rows].sort();
        const found =
          facet?.values.map((one): [string, number] => [JSON.stringify(one.filter[key]), one.count]) ?? [];
        expect(byText(found)).toEqual(byText(tally(scalars(key))));
        expect(facet?.values.map(({ count }) => count)).toEqual(
          tally(scalars(key)).map(([, count]) => count),
        );
        for (const { value, filter: metadata, count } of facet?.values ?? []) {
          expect(value).toBe(String(metadata[key]));
          const both = filter === null ? { metadata } : { and: [filter, { metadata }] };
          expect(await catalog().items.count(both)).toBe(count);
        }
      }
    },
  );

  it('keep the most frequent classes and values', async () => {
    const all = await service.classes(request());
    expect(await service.classes(request({ classes: 2 }))).toEqual(all.slice(0, 2));
    const [vendor] = await service.metadata(request({ metadataKeys: ['vendor'] }));
    const [first] = await service.metadata(request({ metadataKeys: ['vendor'], values: 1 }));
    expect(first?.values).toEqual(vendor?.values.slice(0, 1));
  });

  it('have no values for a key that only other items have', async () => {
    const filter = { ids: items.filter(({ metadata }) => !('year' in metadata)).map(({ id }) => id) };
    expect(await service.metadata(request({ filter, metadataKeys: ['year'] }))).toEqual([
      { key: 'year', values: [] },
    ]);
  });

  it('refuse a key that no item has', async () => {
    const wrong = service.metadata(request({ metadataKeys: ['vendor', 'no such'] }));
    await expect(wrong).rejects.toMatchObject({ code: 'BAD_INPUT', field: ['metadataKeys', '1'] });
    await expect(wrong).rejects.toThrow('"no such"');
  });

  it.each<[Partial<FacetRequest>, readonly string[]]>([
    [{ classes: 0 }, ['classes']],
    [{ values: 101 }, ['values']],
    [{ metadataKeys: Array.from({ length: 21 }, (_, i) => `k${i}`) }, ['metadataKeys']],
    [{ metadataKeys: ['a', 'b', 'a'] }, ['metadataKeys', '2']],
    [{ metadataKeys: ['a\u0000'] }, ['metadataKeys', '0']],
    [{ filter: { ids: Array<string>(1001).fill('x') } }, ['filter', 'ids']],
  ])('refuse %j', async (differing, field) => {
    const error = await service.check(request(differing)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(CommonspaceError);
    expect(error).toMatchObject({ code: 'BAD_INPUT', field });
  });
});
