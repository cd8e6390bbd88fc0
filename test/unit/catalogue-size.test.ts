import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { INDEX_FROM_ROWS } from '../../src/catalog/vectors/vector-indexes.js';
import { contentsOfShape, DEFAULT_SHAPE } from '../../src/domain/size/catalogue-contents.js';
import { limitsOf, variantsOf } from '../../src/domain/size/catalogue-limits.js';
import { DEFAULT_MACHINES, planCatalogue } from '../../src/domain/size/catalogue-plan.js';
import { catalogueSize } from '../../src/domain/size/catalogue-size.js';
import { checkMachines, checkShape } from '../../src/domain/size/check-shape.js';
import { indexBuildMs } from '../../src/domain/size/measured-speeds.js';
import { heap, hnsw, vectorBytes } from '../../src/domain/size/postgres-pages.js';
import { SCALE_HEADER, scaleTable } from '../../src/domain/size/scale-table.js';
import { amount, duration, size } from '../../src/domain/size/size-words.js';
import { MOBILENET_MID_EXTRACTOR } from '../../src/features/image/mobilenet-mid.js';
import { TEXT_EXTRACTOR } from '../../src/features/text/text-extractor.js';

const shape = (items: number) => ({ ...DEFAULT_SHAPE, items });
const bytesOf = (items: number, name: string) =>
  catalogueSize(contentsOfShape(shape(items))).find((one) => one.name === name)?.bytes ?? 0;

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

it('takes Citus once what searches read exceeds the memory of one server, and says where no number of workers is enough', () => {
  const of = (items: number) => planCatalogue(shape(items)).nodes;
  expect(of(1e6)).toMatchObject({ workers: 1, shards: 1 });
  expect(of(5e7).workers).toBeGreaterThan(5);
  expect((of(5e7).shards ?? 0) % (of(5e7).workers ?? 1)).toBe(0);
  expect(of(1e9)).toMatchObject({ workers: null, shards: null });
  const large = { ...DEFAULT_MACHINES, memory: 1e12 };
  expect(planCatalogue(shape(1e9), large).nodes.workers).toBeGreaterThan(5);
});

it('has all items and a part of the vectors on a worker', () => {
  const { nodes, bytes } = planCatalogue(shape(5e7));
  expect(nodes.workerBytes).toBeCloseTo(
    bytes.byPlace['every node'] + bytes.byPlace.shards / (nodes.workers ?? 1),
    0,
  );
});

it('orders limits by the number of items, and reaches those below', () => {
  const limits = limitsOf(planCatalogue(shape(2e7)));
  expect(limits.map(({ items }) => items)).toEqual(limits.map(({ items }) => items).sort((a, b) => a - b));
  for (const { items, reached } of limits) expect(reached).toBe(items <= 2e7);
  // 2^30 bytes of entries of 2 · 2032 + 400 bytes, one for each second item.
  expect(limits.find(({ what }) => what.includes('image features'))?.items).toBeCloseTo(481_067, -1);
});

it('computes changes by the same formulas', () => {
  const variants = variantsOf(planCatalogue(shape(1e7)));
  const [now, ...changed] = variants;
  for (const { bytes } of changed) expect(bytes).toBeLessThan(now?.bytes ?? 0);
  const dropped = changed.find(({ change }) => change.startsWith('image features dropped'));
  const features = ['feature image', 'feature image pkey', 'feature image hnsw'];
  const saved = features.reduce((sum, name) => sum + bytesOf(1e7, name), 0);
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
