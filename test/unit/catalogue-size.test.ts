import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { INDEX_FROM_ROWS } from '../../src/catalog/vectors/vector-indexes.js';
import { contentsOfShape, DEFAULT_SHAPE } from '../../src/domain/size/catalogue-contents.js';
import { limitsOf, variantsOf } from '../../src/domain/size/catalogue-limits.js';
import { DEFAULT_MACHINES, planCatalogue } from '../../src/domain/size/catalogue-plan.js';
import { catalogueSize, isOfVectors, type Layout } from '../../src/domain/size/catalogue-size.js';
import { checkMachines, checkShape } from '../../src/domain/size/check-shape.js';
import { indexBuildMs } from '../../src/domain/size/measured-speeds.js';
import { heap, hnsw, vectorBytes } from '../../src/domain/size/postgres-pages.js';
import { SCALE_HEADER, scaleTable } from '../../src/domain/size/scale-table.js';
import { amount, duration, size } from '../../src/domain/size/size-words.js';
import { MOBILENET_MID_EXTRACTOR } from '../../src/features/image/mobilenet-mid.js';
import { TEXT_EXTRACTOR } from '../../src/features/text/text-extractor.js';

const shape = (items: number) => ({ ...DEFAULT_SHAPE, items });
const bytesOf = (items: number, name: string, layout: Layout = 'plain') =>
  catalogueSize(contentsOfShape(shape(items)), layout).find((one) => one.name === name)?.bytes ?? 0;

it('gives what docs/measurements/search-speed.md measured of single indexes and tables', () => {
  const near = (bytes: number, megabytes: number) => expect(bytes / (megabytes * 1e6)).toBeCloseTo(1, 1);
  near(hnsw(100_000, vectorBytes(1024, 'halfvec')), 273);
  near(hnsw(100_000, vectorBytes(1024, 'bit')), 43);
  near(hnsw(100_000, vectorBytes(256, 'halfvec')), 83);
  near(heap(100_000, 36 + vectorBytes(1024, 'vector')), 819);
  near(heap(100_000, 36 + vectorBytes(1024, 'halfvec')), 283);
});

it('has the extractors and the threshold of indexes of the catalogue as defaults', () => {
  const contents = contentsOfShape(shape(1e6));
  expect(contents).toMatchObject({
    imageDimension: MOBILENET_MID_EXTRACTOR.dimension,
    textDimension: TEXT_EXTRACTOR.dimension,
    imageExtractorBytes: MOBILENET_MID_EXTRACTOR.id.length,
    textExtractorBytes: TEXT_EXTRACTOR.id.length,
    indexedFrom: INDEX_FROM_ROWS,
  });
});

it('divides items into pictures and texts', () => {
  expect(contentsOfShape({ ...shape(9), captions: 2 })).toMatchObject({
    pictures: 3,
    texts: 6,
    pairs: 3,
    itemsInPairs: 9,
  });
  expect(contentsOfShape({ ...shape(9), captions: 0.5 })).toMatchObject({
    pictures: 6,
    texts: 3,
    pairs: 3,
    itemsInPairs: 6,
  });
  expect(contentsOfShape({ ...shape(9), captions: 0 })).toMatchObject({ pictures: 9, texts: 0, pairs: 0 });
});

it('grows in proportion to the items', () => {
  for (const name of ['item', 'feature image', 'feature text', 'embedding text hnsw', 'item_lexemes_idx'])
    expect(bytesOf(1e9, name) / bytesOf(1e8, name)).toBeCloseTo(10, 1);
});

it('builds no index below the threshold, and counts the table as searched instead', () => {
  const small = planCatalogue(shape(30_000));
  expect(small.bytes.vectorIndexes).toBe(0);
  expect(small.searched.vectors).toBe(
    ['feature image', 'feature text', 'embedding image', 'embedding text'].reduce(
      (sum, name) => sum + bytesOf(30_000, name),
      0,
    ),
  );
  expect(small.hours.indexCore).toBe(0);
});

it.each([
  ['plain', 1003],
  ['distributed', 999],
] as const)('stores two text features on a page of a %s database up to %d numbers', (layout, most) => {
  const pages = (textDimension: number) =>
    (catalogueSize(contentsOfShape({ ...shape(1e6), textDimension }), layout).find(
      ({ name }) => name === 'feature text',
    )?.bytes ?? 0) /
    8192 /
    5e5;
  expect([pages(most), pages(most + 1)]).toEqual([expect.closeTo(0.5, 2), expect.closeTo(1, 2)]);
});

it.each([
  ['plain', 2022],
  ['distributed', 2018],
] as const)('stores image features in the row of a %s database up to %d numbers', (layout, most) => {
  // Out of line they have an index on their pieces, and rows that point to them.
  const bytes = (imageDimension: number) =>
    (catalogueSize(contentsOfShape({ ...shape(1e6), imageDimension }), layout).find(
      ({ name }) => name === 'feature image',
    )?.bytes ?? 0) / 5e5;
  expect(bytes(most)).toBeCloseTo(8192, -1);
  expect(bytes(most + 1)).toBeGreaterThan(8500);
});

it('has the home in rows and primary keys on Citus only, and other names of keys that are not unique there', () => {
  const more = (name: string) => (bytesOf(1e8, name, 'distributed') - bytesOf(1e8, name)) / 1e8;
  // There is half a pair an item.
  expect([more('item'), more('item_class'), more('pair')]).toEqual([
    expect.closeTo(17, 0),
    expect.closeTo(16, 0),
    expect.closeTo(8, 0),
  ]);
  // Entries of 8 + 16 + 4 bytes, and 16 more.
  const ratio = bytesOf(1e8, 'item_pkey', 'distributed') / bytesOf(1e8, 'item_pkey');
  expect(ratio).toBeCloseTo((28 + 16) / 28, 1);
  for (const name of ['pair_pkey', 'item_class_pkey', 'feature text pkey', 'embedding image pkey'])
    expect(bytesOf(1e8, name, 'distributed')).toBeGreaterThan(1.2 * bytesOf(1e8, name));
  for (const name of ['embedding text hnsw', 'item_content_hash_idx', 'item_change', 'media'])
    expect(bytesOf(1e8, name, 'distributed')).toBe(bytesOf(1e8, name));
  for (const [plain, distributed] of [
    ['item_external_id_key', 'item_external_id_idx'],
    ['pair_key_key', 'pair_key_idx'],
  ] as const)
    expect(bytesOf(1e8, distributed, 'distributed')).toBe(bytesOf(1e8, plain));
});

it('divides all tables of items, and leaves the coordinator what does not have a home', () => {
  const { relations, bytes } = planCatalogue(shape(1e8));
  const coordinators = relations.filter((one) => one.where === 'coordinator' && one.kind === 'table');
  expect(coordinators.map(({ name }) => name)).toEqual([
    'item_change',
    'media',
    'projection_point',
    'word',
    'class_feature',
    'encoder_weights',
  ]);
  expect(bytes.byPlace.shards + bytes.byPlace.coordinator).toBeCloseTo(bytes.total, -1);
  expect(relations.filter(isOfVectors).every((one) => one.where === 'shards')).toBe(true);
});

it('takes Citus once what searches read exceeds the memory of one server, up to a worker for each of 256 shards', () => {
  const of = (items: number) => planCatalogue(shape(items)).nodes;
  expect(of(1e6)).toMatchObject({ workers: 1, shards: 1 });
  expect(of(5e7).workers).toBeGreaterThan(5);
  expect((of(5e7).shards ?? 0) % (of(5e7).workers ?? 1)).toBe(0);
  expect(of(1e9).workers).toBeGreaterThan(100);
  expect(of(1e9).shards).toBe(of(1e9).workers);
  expect(of(5e9)).toMatchObject({ workers: null, shards: null });
  const large = { ...DEFAULT_MACHINES, memory: 1e12 };
  expect(planCatalogue(shape(5e9), large).nodes.workers).toBeGreaterThan(20);
});

it('has a part of all items and vectors on a worker', () => {
  const { nodes, bytes } = planCatalogue(shape(5e7));
  expect(nodes.workerBytes).toBeCloseTo(bytes.byPlace.shards / (nodes.workers ?? 1), 0);
  expect(nodes.coordinatorBytes).toBe(bytes.byPlace.coordinator);
  const one = planCatalogue(shape(1e6));
  expect(one.nodes.workerBytes).toBeCloseTo(one.bytes.total, 0);
});

it('has the same limits whether the catalogue is on one server or on Citus', () => {
  const [small, large] = [1e6, 1e8].map((items) => limitsOf(planCatalogue(shape(items))));
  expect(small?.map(({ what }) => what)).toEqual(large?.map(({ what }) => what));
  small?.forEach(({ items }, i) => {
    expect(items / (large?.[i]?.items ?? 0)).toBeCloseTo(1, 1);
  });
});

it('orders limits by the number of items, and reaches those below', () => {
  const limits = limitsOf(planCatalogue(shape(2e7)));
  expect(limits.map(({ items }) => items)).toEqual(limits.map(({ items }) => items).sort((a, b) => a - b));
  for (const { items, reached } of limits) expect(reached).toBe(items <= 2e7);
  // 2^30 bytes of entries of 2 · 2032 + 400 bytes, one for each second item.
  expect(limits.find(({ what }) => what.includes('image features'))?.items).toBeCloseTo(481_067, -1);
});

it('computes changes by the same formulas', () => {
  const variants = variantsOf(planCatalogue(shape(1e8)));
  const [now, ...changed] = variants;
  for (const { bytes } of changed) expect(bytes).toBeLessThan(now?.bytes ?? 0);
  const dropped = changed.find(({ change }) => change.startsWith('image features dropped'));
  const features = ['feature image', 'feature image pkey', 'feature image hnsw'];
  const saved = features.reduce((sum, name) => sum + bytesOf(1e8, name, 'distributed'), 0);
  expect((now?.bytes ?? 0) - (dropped?.bytes ?? 0)).toBeCloseTo(saved, -6);
});

it.each([
  ['items', 0],
  ['items', Number.NaN],
  ['items', 1.5],
  ['captions', -1],
  ['imageDimension', 5000],
  ['encoders', 0],
] as const)('refuses %s of %d by name', (field, value) => {
  expect(() => checkShape({ ...shape(10), [field]: value })).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', field: [field] }),
  );
});

it('refuses machines by name', () => {
  expect(() => checkMachines({ ...DEFAULT_MACHINES, cores: 0 })).toThrow(
    expect.objectContaining({ code: 'BAD_INPUT', field: ['cores'] }),
  );
});

it('interpolates index builds between measured dimensions', () => {
  expect(indexBuildMs(64)).toBeCloseTo(0.65);
  expect(indexBuildMs(1528)).toBeCloseTo(2, 1);
  expect(indexBuildMs(1)).toBeGreaterThan(0);
});

it('writes figures shortly', () => {
  expect([size(8192), size(999_700), size(0), size(1.5e13)]).toEqual(['8.2 kB', '1 MB', '0 B', '15 TB']);
  expect([amount(12_345), amount(5e7), amount(1e9)]).toEqual(['12,345', '50 million', '1 billion']);
  expect([duration(0), duration(0.01), duration(1), duration(31), duration(240)]).toEqual([
    'none',
    '36 s',
    '60 min',
    '31 h',
    '10 days',
  ]);
});

it('docs/scale.md has the figures of the formulas', () => {
  const document = readFileSync(new URL('../../docs/scale.md', import.meta.url), 'utf8');
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const variants = variantsOf(planCatalogue(shape(1e8))).map(({ change, today, bytes, searched }) =>
    line([change, today ? '' : 'on paper', size(bytes), size(searched)]),
  );
  const limits = limitsOf(planCatalogue(shape(1e8))).map(({ items }) => amount(Number(items.toPrecision(2))));
  const expected = [line(SCALE_HEADER), ...scaleTable().map(line), ...variants, ...limits];
  expect(expected.filter((text) => !document.includes(text))).toEqual([]);
});
