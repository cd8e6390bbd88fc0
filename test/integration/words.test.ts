import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Catalog } from '../../src/catalog/catalog.js';
import type { ItemFilter } from '../../src/domain/filter.js';
import type { Modality } from '../../src/domain/modality.js';
import {
  describeOnEachDatabase,
  emptyCatalog,
  openTestCatalog,
  type TestCatalog,
} from '../support/catalog.js';
import { imageWrite, textWrite } from '../support/catalog-items.js';

const ITEMS = {
  elephantPicture: imageWrite('e', { title: 'IMG_2041.jpg', pairKey: 'elephant' }),
  elephant: textWrite('A striped elephant walks past the café', { pairKey: 'elephant' }),
  guitarPicture: imageWrite('g', { title: 'guitar', classNames: ['music'] }),
  houses: textWrite('Zwei Häuser am Fluss', { text: { text: 'Zwei Häuser am Fluss', language: 'de' } }),
  horses: textWrite('Des chevaux sur la plage', { title: 'Été', metadata: { language: 'fr-CA' } }),
  dogs: textWrite('two dogs running'),
  standard: textWrite('Certified by ISO 9001 since 2019', { pairKey: 'standard' }),
  paper: textWrite('white A4-paper, size a3'),
  chinese: textWrite('一只大象在河边喝水', { metadata: { language: 'zh' } }),
  japanese: textWrite('赤いスポーツカーとネコ'),
  thai: textWrite('ช้างดื่มน้ำ'),
  russian: textWrite('Ёлка и новые книги'),
  silent: textWrite('!!!'),
  code: textWrite('serial CX-77-B'),
} as const;
type Name = keyof typeof ITEMS;
const NAMES = Object.keys(ITEMS) as Name[];
const nameOf = (id: string) => NAMES.find((name) => ITEMS[name].id === id);

async function fill(catalog: Catalog): Promise<void> {
  await catalog.items.upsertMany(Object.values(ITEMS));
  await catalog.words.count();
}

async function rank(
  catalog: Catalog,
  text: string,
  target: Modality | null = null,
  filter: ItemFilter | null = null,
) {
  const expanded = await catalog.words.expand(text);
  return (await catalog.words.rank(expanded, { target, filter, limit: 20 })).hits;
}

const found = async (...query: Parameters<typeof rank>) =>
  (await rank(...query)).map(({ id }) => nameOf(id)).sort();

const QUERIES: readonly (readonly [query: string, found: readonly Name[]])[] = [
  ['elefant', ['elephant', 'elephantPicture']],
  ['gutiar', ['guitarPicture']],
  ['guita', ['guitarPicture']],
  ['CAFE', ['elephant', 'elephantPicture']],
  ['cafés', ['elephant', 'elephantPicture']],
  ['haus', ['houses']],
  ['cheval ete', ['horses']],
  ['dog run', ['dogs']],
  ['книга', ['russian']],
  ['елка', ['russian']],
  ...['img2041', 'IMG-2041', 'img_2041', '"IMG 2041"'].map(
    (query) => [query, ['elephant', 'elephantPicture']] as [string, Name[]],
  ),
  ...['iso9001', 'ISO_9001', 'iso-9001', 'ISO 9001', '9001'].map(
    (query) => [query, ['standard']] as [string, Name[]],
  ),
  ...['A4', 'a-4', 'a3'].map((query) => [query, ['paper']] as [string, Name[]]),
  ...['CX77B', 'cx-77-b', 'cx_77b'].map((query) => [query, ['code']] as [string, Name[]]),
  ['大象', ['chinese']],
  ['象', ['chinese']],
  ['水', ['chinese']],
  ['喝水的大象', ['chinese']],
  ['"大象在河边"', ['chinese']],
  ['"河边大象"', []],
  ['ネコ', ['japanese']],
  ['スポーツ', ['japanese']],
  ['ช้าง', ['thai']],
  ['น้ำ', ['thai']],
  ['"elephant walks"', ['elephant', 'elephantPicture']],
  ['"elephant past"', []],
  ['"white a4 paper"', ['paper']],
  ['ele*', ['elephant', 'elephantPicture']],
  ['chev*', ['horses']],
  ['zzzz', []],
];

describeOnEachDatabase('searches by word', (catalog) => {
  beforeAll(() => fill(catalog()));

  it.each(QUERIES)('find by %s', async (query, names) => {
    expect(await found(catalog(), query)).toEqual([...names].sort());
  });

  it('rate a whole match 1, a stem a little less, a misspelt word by its corrections, and a part of a code by half', async () => {
    const similarity = async (query: string, name: Name) =>
      (await rank(catalog(), query)).find(({ id }) => id === ITEMS[name].id)?.similarity;
    expect(await similarity('Elephant', 'elephant')).toBe(1);
    expect(await similarity('Elephant', 'elephantPicture')).toBe(1);
    expect(await similarity('elephants', 'elephant')).toBeCloseTo(0.95, 6);
    expect(await similarity('elefant', 'elephant')).toBeCloseTo(6 / 8, 6);
    expect(await similarity('gutiar', 'guitarPicture')).toBeCloseTo(5 / 6, 6);
    expect(await similarity('iso-9002', 'standard')).toBeCloseTo(0.25, 6);
    expect(await similarity('din-9001', 'standard')).toBeCloseTo(0.5, 6);
  });

  it('weigh units by rarity', async () => {
    const { units } = await catalog().words.expand('guitar elephant');
    const [guitar, elephant] = units.map(({ weight }) => weight);
    // Guitar and elephant: one item each, of 14.
    expect([guitar, elephant]).toEqual([2_014_903, 2_014_903]);
    const both = await catalog().words.expand('a guitar');
    expect(both.units.map(({ weight }) => weight)).toEqual([1_609_438, 2_014_903]);
  });

  it('take targets and filters', async () => {
    expect(await found(catalog(), 'elephant', 'IMAGE')).toEqual(['elephantPicture']);
    expect(await found(catalog(), 'elephant', 'TEXT')).toEqual(['elephant']);
    expect(await found(catalog(), 'guitar', null, { classNames: ['music'] })).toEqual(['guitarPicture']);
    expect(await found(catalog(), 'elephant', null, { classNames: ['music'] })).toEqual([]);
    expect(await found(catalog(), 'elephant', 'IMAGE', { not: { modality: 'IMAGE' } })).toEqual([]);
  });

  it('order by similarity, then id, and keep the limit', async () => {
    const hits = await rank(catalog(), 'elephant guitar img2041');
    const order = [...hits].sort((a, b) => b.similarity - a.similarity || (a.id < b.id ? -1 : 1));
    expect(hits).toEqual(order);
    expect(hits).toHaveLength(3);
    const expanded = await catalog().words.expand('elephant guitar img2041');
    const limited = await catalog().words.rank(expanded, { target: null, filter: null, limit: 2 });
    expect(limited).toEqual({ hits: hits.slice(0, 2), approximate: false });
  });

  it('give the similarities of given items: 0 without a match, none without words', async () => {
    const expanded = await catalog().words.expand('elefant');
    const ids = Object.values(ITEMS).map(({ id }) => id);
    const similarities = await catalog().words.similarities(expanded, ids);
    expect(similarities.has(ITEMS.silent.id)).toBe(false);
    expect(similarities.size).toBe(ids.length - 1);
    const ranked = new Map((await rank(catalog(), 'elefant')).map(({ id, similarity }) => [id, similarity]));
    for (const [id, similarity] of similarities) expect(similarity).toBe(ranked.get(id) ?? 0);
    expect(ranked.size).toBe(2);
  });

  it.each(['', '   ', '…!', '\0', '\ud800', '""', '*', `"'"`])('find nothing by %j', async (query) => {
    const expanded = await catalog().words.expand(query);
    expect(expanded).toEqual({ units: [] });
    expect(await catalog().words.rank(expanded, { target: null, filter: null, limit: 5 })).toEqual({
      hits: [],
      approximate: false,
    });
    expect(await catalog().words.similarities(expanded, [ITEMS.dogs.id])).toEqual(new Map());
  });

  it.each([
    `it's "o'clock' \\ ~en:x`,
    `') | ('a':* & !b`,
    'x\0y',
    'a:*b <-> c',
    '%_',
    `${'é'.repeat(9_000)} dog`,
  ])('take odd text %#', async (query) => {
    await expect(rank(catalog(), query)).resolves.toBeInstanceOf(Array);
  });
});

describeOnEachDatabase('the words of items', (catalog) => {
  it('follow updates, changed pairs and deletions', async () => {
    await emptyCatalog(catalog());
    const picture = imageWrite('p', { title: 'before', pairKey: 'x' });
    const text = textWrite('zebra', { pairKey: 'x' });
    const ids = async (query: string) => (await rank(catalog(), query)).map(({ id }) => id).sort();
    await catalog().items.upsertMany([picture, text]);
    expect(await ids('zebra')).toEqual([picture.id, text.id].sort());
    await catalog().items.upsertMany([{ ...picture, title: 'after', pairKey: 'y' }]);
    expect(await ids('zebra')).toEqual([text.id]);
    expect(await ids('"before"')).toEqual([]);
    expect(await ids('after')).toEqual([picture.id]);
    await catalog().items.delete([text.id]);
    expect(await ids('zebra')).toEqual([]);
  });

  it.each(['象'.repeat(1_000), Array(8).fill('𐐨'.repeat(64)).join(' ')])(
    'of a title that is too long for one lexeme are stored, %#',
    async (title) => {
      await emptyCatalog(catalog());
      const picture = imageWrite('long', { title });
      await catalog().items.upsertMany([picture]);
      expect((await rank(catalog(), title)).map(({ id }) => id)).toEqual([picture.id]);
    },
  );

  it('have the item first whose title is the whole query, or whose counterpart has it', async () => {
    await emptyCatalog(catalog());
    const title = (name: string, of: string) => imageWrite(of, { title: name, pairKey: of });
    const face = [title('Tiger face', 'face'), textWrite('an animal, tiger face', { pairKey: 'face' })];
    const tiger = [title('Tiger', 'tiger'), textWrite('a wild tiger', { pairKey: 'tiger' })];
    await catalog().items.upsertMany([...face, ...tiger, textWrite('a bird')]);
    await catalog().words.count();
    const hits = await rank(catalog(), 'TIGER!', 'IMAGE');
    expect(hits.map(({ id }) => id)).toEqual([tiger[0]?.id, face[0]?.id]);
    expect(hits[0]?.similarity).toBeCloseTo(1.3, 5);
    expect(hits[1]?.similarity).toBe(1);
    expect((await rank(catalog(), 'tiger', 'TEXT')).map(({ id }) => id)).toEqual([tiger[1]?.id, face[1]?.id]);
    const [first] = await rank(catalog(), 'face tiger', 'IMAGE');
    expect(first).toEqual({ id: face[0]?.id, similarity: 1 });
    const words = await catalog().database.runOnce(`SELECT word FROM word WHERE word LIKE '=%'`);
    expect(words).toEqual([]);
  });

  it('leave the vocabulary with the second count that finds no item', async () => {
    await emptyCatalog(catalog());
    const text = textWrite('quagga');
    await catalog().items.upsertMany([text]);
    const documents = async () =>
      (await catalog().database.runOnce(`SELECT documents FROM word WHERE word = 'quagga'`)).map(
        (row) => row.documents,
      );
    expect(await documents()).toEqual([null]);
    await catalog().words.count();
    expect(await documents()).toEqual([1]);
    await catalog().items.delete([text.id]);
    await catalog().words.count();
    expect(await documents()).toEqual([0]);
    await catalog().words.count();
    expect(await documents()).toEqual([]);
  });

  it('come back into the vocabulary if only items have them', async () => {
    await emptyCatalog(catalog());
    await catalog().items.upsertMany([textWrite('okapi'), textWrite('an okapi')]);
    await catalog().database.runOnce('TRUNCATE word');
    expect(await rank(catalog(), 'okapi')).toHaveLength(2);
    expect(await rank(catalog(), 'okpai')).toEqual([]);
    await catalog().words.count();
    expect(await rank(catalog(), 'okpai')).toHaveLength(2);
    expect((await catalog().words.expand('okapi')).units[0]?.matches[0]?.documents).toBe(2);
  });

  it('of a text of 20,000 characters are all found', async () => {
    await emptyCatalog(catalog());
    const long = Array.from({ length: 3_300 }, (_, n) => `w${n.toString(26)}x`.replace(/\d/g, 'q')).join(' ');
    const text = textWrite(`${long.slice(0, 19_980)} terminus`);
    const chinese = textWrite(`${'大象在河边喝水'.repeat(2_857)}终`);
    await catalog().items.upsertMany([text, chinese]);
    expect(await rank(catalog(), 'terminus')).toEqual([{ id: text.id, similarity: 1 }]);
    expect(await rank(catalog(), '终')).toEqual([{ id: chinese.id, similarity: 1 }]);
  });

  it('are stored by concurrent writers of the same new words', async () => {
    await emptyCatalog(catalog());
    await catalog().database.runOnce('TRUNCATE word');
    const words = Array.from(
      { length: 200 },
      (_, n) => `new${String.fromCharCode(97 + (n % 26), 97 + ((n / 26) | 0))}word`,
    );
    const batches = Array.from({ length: 8 }, (_, writer) =>
      Array.from({ length: 10 }, (_, n) => {
        const turned = [...words.slice(writer * 20 + n), ...words.slice(0, writer * 20 + n)];
        return textWrite(`${writer} ${n} ${(writer % 2 === 0 ? turned : turned.reverse()).join(' ')}`);
      }),
    );
    await Promise.all([
      ...batches.map((batch) => catalog().items.upsertMany(batch)),
      catalog().words.count(),
      catalog().words.count(),
    ]);
    await catalog().words.count();
    const expanded = await catalog().words.expand(words[7] ?? '');
    expect(expanded.units[0]?.matches[0]?.documents).toBe(80);
    expect(
      (await catalog().words.rank(expanded, { target: null, filter: null, limit: 200 })).hits,
    ).toHaveLength(80);
  });

  it('that very many items have lead to no item by themselves, and count for those that rarer ones lead to', async () => {
    await emptyCatalog(catalog());
    await catalog().items.upsertMany([textWrite('common rare'), textWrite('common'), textWrite('rare')]);
    await catalog().words.count();
    await catalog().database.runOnce(
      `UPDATE word SET documents = 20000 WHERE word IN ('common', '~en:common')`,
    );
    const { hits, approximate } = await catalog().words.rank(await catalog().words.expand('common rare'), {
      target: null,
      filter: null,
      limit: 5,
    });
    expect(approximate).toBe(true);
    expect(hits.map(({ similarity }) => similarity)).toEqual([1, expect.closeTo(1, 0)]);
    expect(hits[1]?.similarity).toBeLessThan(1);
    expect(await rank(catalog(), 'common')).toHaveLength(2);
  });

  it('that many items have lead to those that have them together', async () => {
    await emptyCatalog(catalog());
    const both = textWrite('sunny meadow');
    await catalog().items.upsertMany([
      ...['sunny day', 'green meadow', 'night', 'winter', 'sea'].map((text) => textWrite(text)),
      both,
      ...Array.from({ length: 8 }, (_, n) => textWrite(`unrelated ${n}`)),
    ]);
    await catalog().words.count();
    await catalog().database.runOnce(
      `UPDATE word SET documents = 20000 + length(word) WHERE word ~ '(sunni|sunny|meadow)$'`,
    );
    await catalog().database.runOnce(`UPDATE word SET documents = 400000 WHERE word = ''`);
    const expanded = await catalog().words.expand('sunny meadow');
    const query = { target: null, filter: null, limit: 1 };
    expect(await catalog().words.rank(expanded, query)).toEqual({
      hits: [{ id: both.id, similarity: 1 }],
      approximate: true,
    });
  });
});

describe.skipIf(!process.env.TEST_DATABASE_URL)('the embedded database and a server', () => {
  const opened: TestCatalog[] = [];
  beforeAll(async () => {
    for (const kind of ['embedded', 'server'] as const) opened.push(await openTestCatalog(kind));
    for (const { catalog } of opened) await fill(catalog);
  });
  afterAll(async () => {
    for (const { dispose } of opened) await dispose();
  });

  it.each([...QUERIES.map(([query]) => query), 'a white elefant walking with dogs 9001 大象'])(
    'answer %s alike',
    async (query) => {
      const [embedded, server] = await Promise.all(opened.map(({ catalog }) => rank(catalog, query)));
      expect(embedded?.map(({ id }) => id)).toEqual(server?.map(({ id }) => id));
      for (const [i, hit] of (embedded ?? []).entries()) {
        expect(hit.similarity).toBeCloseTo(server?.[i]?.similarity ?? Number.NaN, 6);
      }
    },
  );
});
