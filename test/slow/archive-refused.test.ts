import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TarMember, tarOf } from '../../src/platform/tar/tar-writer.js';
import { HEADER, pictureIn } from '../../src/services/archive/archive-format.js';
import { describeOnEachKind } from '../support/catalog.js';
import { archivedRows } from '../support/catalogue-rows.js';
import { bytesOf, contentsOf, TwoCatalogues } from '../support/two-catalogues.js';

const UNREADABLE = { code: 'BAD_ARCHIVE' };

type Change = (members: Map<string, Buffer>) => void;

function set(name: string, content: string | Buffer): Change {
  return (members) => {
    members.set(name, Buffer.from(content));
  };
}

const fromLaterVersion: Change = (members) => {
  const header = JSON.parse(String(members.get(HEADER))) as object;
  members.set(HEADER, Buffer.from(JSON.stringify({ ...header, version: 2 })));
};

const withoutPicture: Change = (members) => {
  members.delete([...members.keys()].find((name) => name.startsWith('media/')) ?? '');
};

describeOnEachKind('a bad archive', (kind) => {
  let two: TwoCatalogues;
  beforeAll(async () => {
    two = await TwoCatalogues.open(kind);
  });
  afterAll(() => two.close());

  const changed = async (change: Change) => {
    const members = await contentsOf(two.archive);
    change(members);
    const path = join(two.folder, 'changed.tar');
    async function* all(): AsyncGenerator<TarMember> {
      for (const [name, content] of members) yield { name, content };
    }
    await pipeline(
      tarOf(all(), (name) => pictureIn(name) === null),
      createWriteStream(path),
    );
    return path;
  };

  it.each([
    ['cut short', async (bytes: Buffer) => bytes.subarray(0, bytes.length - 4000)],
    ['cut in a picture', async (bytes: Buffer) => bytes.subarray(0, 3000)],
    [
      'with a changed byte',
      async (bytes: Buffer) => Buffer.from(bytes).fill(0x20, bytes.length - 3000, bytes.length - 2999),
    ],
  ])('is refused %s, and nothing is written', async (_how, change) => {
    await two.emptyTarget();
    const path = join(two.folder, 'bad.tar');
    await writeFile(path, await change(await readFile(two.archive)));
    await expect(two.target.run(path)).rejects.toMatchObject(UNREADABLE);
    expect(await two.target.catalog.archive.writes.size()).toEqual({ items: 0, classes: 0, encoders: 0 });
    expect(await bytesOf(two.target.media)).toEqual(new Map());
  });

  it.each([
    ['a later version', 'ARCHIVE_TOO_NEW', fromLaterVersion],
    ['another format', 'BAD_ARCHIVE', set(HEADER, '{"format":"zip"}')],
    ['a member with a path outside', 'BAD_ARCHIVE', set('../../etc/passwd', 'x')],
    ['a picture less', 'BAD_ARCHIVE', withoutPicture],
  ] as const)('is refused with %s, and nothing is written', async (_what, code, change) => {
    await two.emptyTarget();
    await expect(two.target.run(await changed(change))).rejects.toMatchObject({ code });
    expect(await two.target.catalog.archive.writes.size()).toEqual({ items: 0, classes: 0, encoders: 0 });
    expect(await bytesOf(two.target.media)).toEqual(new Map());
  });

  it.each([
    ['rows that are no rows', set('items/000001.jsonl', '{"id":"x"}\n')],
    ['rows that the database refuses', set('classes/000001.jsonl', '{"name":"no id"}\n')],
    [
      'vectors of another length',
      set('features/001/000001.bin', '{"extractor":"a","rows":2,"dimensions":3}\nabc'),
    ],
    [
      'vectors without an encoder',
      set(
        `embeddings/${randomUUID()}/text/000001.bin`,
        Buffer.concat([Buffer.from('{"rows":1,"dimensions":1}\n'), Buffer.alloc(20)]),
      ),
    ],
  ] as const)('is refused with %s', async (_what, change) => {
    await two.emptyTarget();
    await expect(two.target.run(await changed(change))).rejects.toMatchObject(UNREADABLE);
    expect(await two.target.catalog.encoders.active()).toBeNull();
  });

  it('is completed after a damaged one was refused half-way', async () => {
    await two.emptyTarget();
    await expect(two.target.run(await changed(set('features/001/000001.bin', '{}\n')))).rejects.toMatchObject(
      UNREADABLE,
    );
    await two.target.run(two.archive);
    expect(await archivedRows(two.target.catalog)).toEqual(await archivedRows(two.source.catalog));
  });
});
