import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CatalogueContents } from '../../src/domain/size/catalogue-contents.js';
import { catalogueSize, totalBytes } from '../../src/domain/size/catalogue-size.js';
import { openTestCatalog, type TestCatalog } from '../support/catalog.js';
import { contentsOf, measuredBytes, type Sized, storeSized } from '../support/sized-catalogue.js';

/** Smaller relations consist of too few pages. */
const LARGE = 2 ** 20;
const TOLERANCE = 0.1;
/** Each catalogue takes about a minute, several on a busy machine. */
const HOOK_TIMEOUT_MS = 900_000;
/** Its words are rewritten by counts, and there are as many in a small catalogue as in a large one. */
const NOT_HELD = 'word';

const CASES: readonly (Sized & { readonly what: string; readonly held: number })[] = [
  {
    what: 'vectors of the built-in extractors, two texts of a picture, two versions of the encoder',
    pictures: 2_500,
    captions: 2,
    imageDimension: 2032,
    textDimension: 1024,
    embeddingDimension: 64,
    encoders: 2,
    held: 10,
  },
  {
    what: 'many items with short vectors, half of the pictures without a text',
    pictures: 24_000,
    captions: 0.5,
    imageDimension: 48,
    textDimension: 16,
    embeddingDimension: 128,
    encoders: 1,
    held: 30,
  },
];

describe.skipIf(!process.env.TEST_DATABASE_URL).each(CASES)('$what', (sized) => {
  let opened: TestCatalog;
  let measured: ReadonlyMap<string, number>;
  let contents: CatalogueContents;

  beforeAll(async () => {
    opened = await openTestCatalog('server');
    await storeSized(opened.catalog, sized);
    measured = await measuredBytes(opened.catalog);
    contents = await contentsOf(opened.catalog, sized);
  }, HOOK_TIMEOUT_MS);
  afterAll(() => opened?.dispose());

  it('has each large table and index within a tenth of its formula', () => {
    const held = catalogueSize(contents).filter(
      ({ name }) => name !== NOT_HELD && (measured.get(name) ?? 0) >= LARGE,
    );
    const errors = held.map(({ name, bytes }) => ({ name, error: bytes / (measured.get(name) ?? 0) - 1 }));
    expect(errors.filter(({ error }) => Math.abs(error) > TOLERANCE)).toEqual([]);
    expect(held.length).toBeGreaterThanOrEqual(sized.held);
  });

  it('has no large table or index without a formula', () => {
    const known = new Set(catalogueSize(contents).map(({ name }) => name));
    const unknown = [...measured].filter(([name, bytes]) => bytes >= LARGE && !known.has(name));
    expect(unknown).toEqual([]);
  });

  it('has all of them together within a tenth', () => {
    const all = [...measured.values()].reduce((sum, bytes) => sum + bytes, 0);
    expect(Math.abs(totalBytes(catalogueSize(contents)) / all - 1)).toBeLessThan(TOLERANCE);
  });
});
