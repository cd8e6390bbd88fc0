import { mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { MAX_LINE_BYTES } from '../../src/services/ingest/bulk/line-reader.js';
import { openSource, sourceName } from '../../src/services/ingest/bulk/open-source.js';
import { RowReader } from '../../src/services/ingest/bulk/row-items.js';
import { drawShape } from '../factories/shapes.js';
import { ALL_ROWS, writeParquet, writeTar } from '../support/bulk-files.js';

let root: string;
let png: Buffer;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'bulk-sources-'));
  png = await drawShape('ring', 'red');
});
afterAll(() => rm(root, { recursive: true }));

async function file(name: string, content: string | Buffer): Promise<string> {
  const path = join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** The rows, after the count was found to be theirs. */
async function rowsOf(path: string) {
  const source = await openSource(path, true);
  const rows = [];
  for await (const row of source.rows()) rows.push(row);
  expect(await source.count()).toBe(rows.length);
  expect(rows.map(({ ordinal }) => ordinal)).toEqual(rows.map((_, i) => i + 1));
  return rows;
}

const contentsOf = async (path: string) => (await rowsOf(path)).map(({ content }) => content);
const columnsOf = async (path: string) =>
  (await contentsOf(path)).map((content) => (content.kind === 'row' ? content.columns : content.kind));

/** External ids, keys of the pair, texts, classes and metadata of the items of all rows. */
async function itemsOf(path: string, options: Partial<typeof ALL_ROWS> = {}) {
  const source = await openSource(path, true);
  const reader = new RowReader(source, { ...ALL_ROWS, ...options });
  const items = [];
  for await (const { content, ordinal } of source.rows()) {
    if (content.kind !== 'row') continue;
    const { images, texts } = await reader.read(content, ordinal);
    items.push([...images, ...texts]);
  }
  return items;
}

describe('JSON Lines', () => {
  it('are rows, with the numbers of their lines; blank lines are none', async () => {
    const path = await file(
      'a.jsonl',
      '\uFEFF{"text":"a"}\r\n\n  \n{"text":"b","n":[1]}\n[1]\nnot JSON\n{"text":"c"}',
    );
    const rows = await rowsOf(path);
    expect(rows.map(({ reference }) => reference)).toEqual([
      'line 1',
      'line 4',
      'line 5',
      'line 6',
      'line 7',
    ]);
    expect(await columnsOf(path)).toEqual([
      { text: 'a' },
      { text: 'b', n: [1] },
      'failed',
      'failed',
      { text: 'c' },
    ]);
  });

  it('are split where a chunk ends within a character, and a line that is too long fails alone', async () => {
    const lines = Array.from({ length: 3000 }, (_, i) =>
      JSON.stringify({ text: `${'ä€😀'.repeat(30)}${i}` }),
    );
    lines.splice(10, 0, JSON.stringify({ text: 'x'.repeat(MAX_LINE_BYTES) }));
    const columns = await columnsOf(await file('long.jsonl', lines.join('\n')));
    expect(columns[10]).toBe('failed');
    expect(columns.at(-1)).toEqual({ text: `${'ä€😀'.repeat(30)}2999` });
    expect(columns.filter((one) => typeof one === 'object')).toHaveLength(3000);
  });

  it('may be compressed by gzip; a file that is cut off fails', async () => {
    const noise = Array.from({ length: 20_000 }, (_, i) => JSON.stringify({ text: `${Math.sin(i)}` })).join(
      '\n',
    );
    const path = await file('a.jsonl.gz', gzipSync(noise));
    expect(await columnsOf(path)).toHaveLength(20_000);
    await truncate(path, 50_000);
    await expect(rowsOf(path)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  });
});

describe('CSV', () => {
  it('has a header, quoted fields, and absent values where a field is empty', async () => {
    const path = await file(
      'a.csv',
      'text,label,n\r\n"a ""red"", round\nring",ring,1\r\n,square,2\r\nshort,x\r\n',
    );
    expect(await columnsOf(path)).toEqual([
      { text: 'a "red", round\nring', label: 'ring', n: '1' },
      { label: 'square', n: '2' },
      'failed',
    ]);
  });

  it('fails where a quote does not end, or a column is named twice', async () => {
    await expect(rowsOf(await file('open.csv', 'text\n"a\nb'))).rejects.toMatchObject({ code: 'BAD_SOURCE' });
    await expect(rowsOf(await file('twice.csv', 'text,text\na,b'))).rejects.toMatchObject({
      code: 'BAD_SOURCE',
    });
  });
});

describe('a tar file that begins with metadata', () => {
  it('is a folder: its rows are those of the metadata, in any order of the pictures', async () => {
    const path = join(root, 'described.tar');
    const long = `${'deep/'.repeat(40)}名.png`;
    await writeTar(path, {
      './metadata.jsonl': [
        { file_name: 'b.c.png', text: 'one', label: 'x' },
        { file_name: long },
        { file_name: 'gone.png' },
        { file_name: './b.c.png', text: 'two' },
        { text: 'alone' },
        { file_name: 'b.c.png', image_url: 'http://a/b.png' },
      ]
        .map((row) => JSON.stringify(row))
        .join('\n'),
      [long]: png,
      'not-named.png': png,
      'b.c.png': Buffer.concat([png, png]),
    });
    const contents = await contentsOf(path);
    const sizes = contents.map((content) =>
      content.kind === 'row'
        ? content.pictures.map(({ source }) => ('part' in source ? source.part.bytes / png.length : null))
        : content.kind === 'failed' && content.failure.code,
    );
    expect(sizes).toEqual([[2], [1], 'FILE_MISSING', [2], [], []]);
    expect((await rowsOf(path))[0]?.reference).toBe('b.c.png');
    const source = await openSource(path, false);
    const reader = new RowReader(source, ALL_ROWS);
    await expect(
      reader.read({ kind: 'row', columns: { text: 'alone' }, pictures: [] }, 5),
    ).rejects.toMatchObject({ code: 'BAD_ROW' });
  });

  it('has the items that the folder has', async () => {
    const csv = 'file_name,text,label\na/1.png,"a ""ring"", red",ring\n2.png,b,\n1.png,,x\n';
    const tar = join(root, 'same.tar');
    await writeTar(tar, { 'metadata.csv': csv, 'a/1.png': png, '2.png': png, '1.png': png });
    for (const name of ['a/1.png', '2.png', '1.png']) await file(`same/${name}`, png);
    await file('same/metadata.csv', csv);
    const withoutContent = (rows: Awaited<ReturnType<typeof itemsOf>>) =>
      rows.map((items) => items.map(({ content, ...rest }) => ({ ...rest, isText: 'text' in content })));
    expect(withoutContent(await itemsOf(tar))).toEqual(withoutContent(await itemsOf(join(root, 'same'))));
  });

  it('is read to its end even if it is cut short', async () => {
    const path = join(root, 'cut.tar');
    await writeTar(path, { 'metadata.jsonl': '{"file_name":"a.png"}', 'a.png': png });
    await truncate(path, 2_000);
    await expect(rowsOf(path)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  });
});

describe('a tar file', () => {
  it('has a sample for consecutive entries of one name', async () => {
    const path = join(root, 'shard.tar');
    await writeTar(path, {
      './a/1.png': png,
      './a/1.txt': 'one\n',
      './a/1.cls': '7\n',
      'a/2.left.png': png,
      'a/2.right.png': png,
      'a/2.json': '{"text": ["x", "y"], "source": "s"}',
      'a/3.json': '[]',
      'a/4.npy': 'not used',
      README: 'no dot',
    });
    expect(await contentsOf(path)).toEqual([
      {
        kind: 'row',
        columns: { text: ['one'], label: '7' },
        pictures: [{ name: 'a/1.png', source: { bytes: png } }],
      },
      {
        kind: 'row',
        columns: { text: ['x', 'y'], source: 's' },
        pictures: [
          { name: 'a/2.left.png', source: { bytes: png } },
          { name: 'a/2.right.png', source: { bytes: png } },
        ],
      },
      expect.objectContaining({ kind: 'failed' }),
      { kind: 'skipped' },
    ]);
    const [one, two] = await itemsOf(path);
    expect(one?.map(({ externalId, pairKey }) => [externalId, pairKey])).toEqual([
      ['p/a/1.png', 'p/a/1.png'],
      ['p/a/1.png#text', 'p/a/1.png'],
    ]);
    expect(two?.map(({ externalId }) => externalId)).toEqual([
      'p/a/2.left.png',
      'p/a/2.right.png',
      'p/a/2.left.png#text',
      'p/a/2.left.png#text2',
    ]);
  });

  it('that is cut off fails', async () => {
    const path = join(root, 'cut.tar');
    await writeTar(path, { '1.png': png, '2.txt': 'x'.repeat(5000) });
    await truncate(path, 3000);
    await expect(rowsOf(path)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  });
});

describe('Parquet', () => {
  it('has pictures in structs, and the names of numbered labels', async () => {
    const path = join(root, 'a.parquet');
    const rows = ['1.png', '2.png', '3.png'].map((name, i) => ({
      path: name,
      bytes: png,
      text: `text ${i}`,
      label: i % 2,
    }));
    await writeParquet(path, rows, ['ring', 'square']);
    expect(await contentsOf(path)).toEqual(
      rows.map((row, i) => ({
        kind: 'row',
        columns: { text: `text ${i}`, label: i % 2 === 0 ? 'ring' : 'square' },
        pictures: [{ name: row.path, source: { bytes: png } }],
      })),
    );
    await truncate(path, 200);
    await expect(rowsOf(path)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  });
});

describe('a folder', () => {
  it('without a description has a folder per class; texts lie beside pictures, other files are skipped', async () => {
    await file('classes/cat/b/2.jpg', png);
    await file('classes/cat/1.jpg', png);
    await file('classes/cat/1.txt', 'a cat\n');
    await file('classes/dog/3.PNG', png);
    await file('classes/dog/notes.txt', 'no picture of this name');
    await file('classes/0.webp', png);
    await file('classes/.hidden/4.jpg', png);
    expect(await columnsOf(join(root, 'classes'))).toEqual([
      { file_name: '0.webp' },
      { file_name: 'cat/1.jpg', label: 'cat', text: 'a cat' },
      { file_name: 'cat/b/2.jpg', label: 'cat' },
      { file_name: 'dog/3.PNG', label: 'dog' },
      'skipped',
    ]);
  });

  it('numbers the texts of one picture, also those of rows that are passed over', async () => {
    await file('described/1.png', png);
    const row = (text: string) => JSON.stringify({ file_name: '1.png', text });
    const path = await file('described/metadata.jsonl', [row('a'), row('b'), row('c')].join('\n'));
    const ids = (await itemsOf(dirname(path))).map((items) => items.map(({ externalId }) => externalId));
    expect(ids.map(([, text]) => text)).toEqual(['p/1.png#text', 'p/1.png#text2', 'p/1.png#text3']);
    const source = await openSource(dirname(path), true);
    const reader = new RowReader(source, ALL_ROWS);
    for await (const { content, ordinal } of source.rows()) {
      if (content.kind !== 'row') throw new Error('not a row');
      if (ordinal < 3) reader.pass(content);
      else expect((await reader.read(content, ordinal)).texts[0]?.externalId).toBe('p/1.png#text3');
    }
  });

  it('that is confined refuses links to the outside', async () => {
    const secret = await file('secret.png', png);
    await mkdir(join(root, 'linked'));
    await symlink(secret, join(root, 'linked', 'link.png'));
    expect(await itemsOf(join(root, 'linked'))).toHaveLength(1);
    await expect(itemsOf(join(root, 'linked'), { confined: true })).rejects.toMatchObject({
      code: 'BAD_ROW',
    });
  });
});

describe('the columns of a row', () => {
  it('name ids, keys, titles and classes; the others are metadata', async () => {
    const rows = [
      {
        external_id: 'x',
        image_url: 'https://me@example.org/a.png?signature=1',
        text: 'a',
        label: ['k'],
        classes: ['l'],
        title: 't',
        size: 3,
      },
      { text: 'alone', externalId: 'y', metadata: { a: 1 } },
      { text: ['a', 'b'] },
    ];
    const [first, alone, pair] = await itemsOf(
      await file('columns.jsonl', rows.map((row) => JSON.stringify(row)).join('\n')),
    );
    const common = {
      pairKey: 'x',
      classes: ['k', 'l'],
      metadata: { source: 'https://example.org/a.png', size: 3 },
      title: 't',
    };
    expect(first).toEqual([
      {
        ...common,
        content: { imageUrl: 'https://me@example.org/a.png?signature=1' },
        externalId: 'x',
      },
      { ...common, content: { text: 'a' }, externalId: 'x#text' },
    ]);
    expect(alone).toEqual([
      { content: { text: 'alone' }, externalId: 'y', pairKey: null, metadata: { a: 1 } },
    ]);
    expect(pair?.map(({ externalId, pairKey }) => [externalId, pairKey])).toEqual([
      [null, 'p#3'],
      [null, 'p#3'],
    ]);
  });

  it.each([
    [{ text: 3 }, 'text'],
    [{ text: 'a', label: {} }, 'label'],
    [{ text: 'a', title: {} }, 'title'],
    [{ n: 1 }, 'file_name'],
    [{ text: 'a', external_id: 'x'.repeat(600) }, 'externalId'],
  ])('are refused where they are malformed: %j', async (row, field) => {
    await expect(itemsOf(await file('bad.jsonl', JSON.stringify(row)))).rejects.toMatchObject({
      field: [field],
    });
  });
});

it('refuses other kinds of files', async () => {
  await expect(openSource(await file('x.jsonl', png), true)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  await expect(openSource(await file('list.json', '[{}]'), true)).rejects.toMatchObject({
    code: 'BAD_SOURCE',
  });
  await expect(openSource(await file('empty.csv', ''), true)).rejects.toMatchObject({ code: 'BAD_SOURCE' });
  await expect(openSource(join(root, 'none'), true)).rejects.toMatchObject({ code: 'FILE_MISSING' });
});

it('names a source by its folder or file', () => {
  expect(['/a/cats', '/a/cats.jsonl', 'cats.tar.gz', 'cats.parquet/'].map(sourceName)).toEqual(
    Array(4).fill('cats'),
  );
});
