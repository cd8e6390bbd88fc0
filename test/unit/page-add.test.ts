import { createHash } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFilePart } from '../../src/platform/file-part.js';
import { tarFiles } from '../../src/platform/tar/tar-index.js';
import { stateOf } from '../../web/src/add/row-state.js';
import { type ChosenFile, MAX_PICTURE_BYTES, select } from '../../web/src/add/selection.js';
import { sizeText } from '../../web/src/add/size.js';
import type { JobRow } from '../../web/src/jobs/job-row.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'page-add-'));
});
afterAll(() => rm(folder, { recursive: true }));

const chosen = (...files: readonly (readonly [path: string, content: string])[]): ChosenFile[] =>
  files.map(([path, content]) => ({ path, file: new File([content], path.split('/').at(-1) ?? '') }));

/** The members of what is uploaded, in their order. */
async function packed(files: readonly ChosenFile[]): Promise<[string, string][]> {
  const path = join(folder, 'packed.tar');
  await writeFile(
    path,
    Buffer.from((await (await select(files)?.pack())?.arrayBuffer()) ?? new ArrayBuffer(0)),
  );
  const members: [string, string][] = [];
  for await (const { name, ...part } of tarFiles(path))
    members.push([name, String(await readFilePart(part))]);
  return members;
}

describe('what is chosen', () => {
  it('is pictures: their folder is the class, a text of the same name their text', async () => {
    const files = chosen(
      ['set/dogs/b.jpg', 'B'],
      ['set/dogs/b.txt', ' a dog\n'],
      ['set/cats/far/a.v2.PNG', 'A'],
      ['set/top.webp', 'T'],
      ['set/alone.txt', 'x'],
      ['set/.DS_Store', 'x'],
      ['set/.git/a.png', 'x'],
      ['set/rows.csv', 'x'],
    );
    expect(select(files)).toMatchObject({
      kind: 'pictures',
      name: 'set',
      pictures: 3,
      bytes: 3,
      leftOut: [
        { path: 'alone.txt', reason: 'not-picture' },
        { path: 'rows.csv', reason: 'alone' },
      ],
    });
    expect(await packed(files)).toEqual([
      [
        'metadata.jsonl',
        '{"file_name":"cats/far/a.v2.PNG","label":"cats"}\n{"file_name":"dogs/b.jpg","label":"dogs","text":"a dog"}\n{"file_name":"top.webp"}\n',
      ],
      ['cats/far/a.v2.PNG', 'A'],
      ['dogs/b.jpg', 'B'],
      ['top.webp', 'T'],
    ]);
  });

  it('is a folder with metadata, which goes first as it is', async () => {
    const long = `${'名/'.repeat(60)}a.png`;
    const files = chosen(
      ['set/z.png', 'Z'],
      [`set/${long}`, 'L'],
      ['set/metadata.csv', 'file_name\nz.png\n'],
    );
    expect(select(files)).toMatchObject({ kind: 'metadata', name: 'set', pictures: 2, leftOut: [] });
    expect(await packed(files)).toEqual([
      ['metadata.csv', 'file_name\nz.png\n'],
      ['z.png', 'Z'],
      [long, 'L'],
    ]);
  });

  it('is one file of rows, sent as it is', async () => {
    const files = chosen(['rows.jsonl.gz', 'bytes'], ['more.csv', 'x']);
    const selection = select(files);
    expect(selection).toMatchObject({
      kind: 'data',
      name: 'rows',
      leftOut: [{ path: 'more.csv', reason: 'alone' }],
    });
    expect(await selection?.pack()).toBe(files[0]?.file);
    expect(select(chosen(['metadata.jsonl', '{}']))).toMatchObject({ kind: 'data', name: 'metadata' });
  });

  it('is nothing without pictures and rows, and leaves out pictures that are too large', () => {
    expect(select([])).toBeNull();
    expect(select(chosen(['a/readme.md', 'x']))).toBeNull();
    const large = { path: 'a.png', file: new File([new Uint8Array(MAX_PICTURE_BYTES + 1)], 'a.png') };
    expect(select([large, ...chosen(['b.png', 'B'])])).toMatchObject({
      name: null,
      pictures: 1,
      leftOut: [{ path: 'a.png', reason: 'too-large' }],
    });
  });

  it('gives the same bytes each time', async () => {
    const hashes = [];
    for (const order of [0, 1]) {
      const files = chosen(['a.png', 'A'], ['b.png', 'B']);
      const bytes = await (await select(order === 0 ? files : files.reverse())?.pack())?.arrayBuffer();
      hashes.push(
        createHash('sha256')
          .update(new Uint8Array(bytes ?? []))
          .digest('hex'),
      );
    }
    expect(hashes[0]).toBe(hashes[1]);
  });
});

describe('the state of a row', () => {
  const row = { ordinal: 3, skipped: false, error: null };
  const job = (given: Partial<JobRow>) =>
    ({ state: 'RUNNING', done: 0, failed: 0, skipped: 0, ...given }) as JobRow;

  it.each([
    [{ ...row, skipped: true }, null, [], { kind: 'skipped' }],
    [row, null, [], { kind: 'ready' }],
    [{ ...row, error: { message: 'why' } }, null, [], { kind: 'failed', message: 'why' }],
    [{ ...row, error: { message: 'why' } }, job({ done: 2 }), [], { kind: 'waiting' }],
    [row, job({ done: 1, failed: 1, skipped: 1 }), [], { kind: 'stored' }],
    [row, job({ done: 2, failed: 1 }), [[3, 'no']], { kind: 'failed', message: 'no' }],
    [row, job({ done: 2, state: 'CANCELLED' }), [], { kind: 'left' }],
  ] as const)('of %j is that of its job', (given, of, failed, state) => {
    expect(stateOf(given, of, new Map(failed))).toEqual(state);
  });
});

it.each([
  [0, '0 kB'],
  [1536, '1.5 kB'],
  [20 * 2 ** 20, '20 MB'],
  [10 * 2 ** 30, '10 GB'],
])('%s bytes are said as %s', (bytes, text) => {
  expect(sizeText(bytes, 'en')).toBe(text);
});
