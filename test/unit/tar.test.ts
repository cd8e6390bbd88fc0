import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { setTimeout } from 'node:timers/promises';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFilePart } from '../../src/platform/file-part.js';
import { Spool } from '../../src/platform/tar/spool.js';
import { tarFiles } from '../../src/platform/tar/tar-index.js';
import { contentOf, readTar } from '../../src/platform/tar/tar-reader.js';
import { type TarMember, tarOf } from '../../src/platform/tar/tar-writer.js';

const LIMIT = 1_000_000;
const BIG = Buffer.alloc(300_000, 'commonspace ');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-tar-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function* membersOf(members: readonly TarMember[]): AsyncGenerator<TarMember> {
  yield* members;
}

async function* chunksOf(content: Buffer): AsyncGenerator<Buffer> {
  for (let at = 0; at < content.length; at += 10_000) yield content.subarray(at, at + 10_000);
}

const SAMPLE: readonly TarMember[] = [
  { name: 'first.json', content: Buffer.from('{}') },
  { name: 'empty', content: Buffer.alloc(0) },
  { name: 'a/', content: 'folder' },
  { name: 'a/big.bin', content: BIG },
  { name: 'a/streamed.bin', content: { bytes: BIG.length, stream: chunksOf(BIG) } },
];

/** Writes an archive, and gives its path. */
async function written(members: readonly TarMember[], isListed?: (name: string) => boolean): Promise<string> {
  const path = join(folder, `${Math.random()}.tar`);
  await pipeline(tarOf(membersOf(members), isListed), createWriteStream(path));
  return path;
}

async function read(path: string, checksumIn?: (name: string) => string | null) {
  const found: [string, string][] = [];
  for await (const entry of readTar(path, checksumIn)) {
    found.push([entry.name, entry.kind === 'folder' ? 'folder' : sha256(await contentOf(entry, LIMIT))]);
  }
  return found;
}

const sha256 = (content: Buffer) => createHash('sha256').update(content).digest('hex');
const bad = (message: RegExp) => ({ code: 'BAD_ARCHIVE', message: expect.stringMatching(message) });

describe('a tar archive with checksums', () => {
  it('gives the members back', async () => {
    const path = await written(SAMPLE);
    expect(await read(path)).toEqual([
      ['first.json', sha256(Buffer.from('{}'))],
      ['empty', sha256(Buffer.alloc(0))],
      ['a/', 'folder'],
      ['a/big.bin', sha256(BIG)],
      ['a/streamed.bin', sha256(BIG)],
    ]);
  });

  it('checks members that the reader skips, too', async () => {
    const path = await written([{ name: 'one', content: BIG }]);
    const names: string[] = [];
    for await (const { name } of readTar(path)) names.push(name);
    expect(names).toEqual(['one']);
    const bytes = await readFile(path);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(path, bytes);
    await expect(async () => {
      for await (const _ of readTar(path));
    }).rejects.toMatchObject(bad(/one does not have its checksum/));
  });

  it('accepts a member whose name is its checksum, and refuses another content', async () => {
    const name = `media/${sha256(BIG)}`;
    const inName = (member: string) => (member.startsWith('media/') ? member.slice(6) : null);
    const isListed = (member: string) => inName(member) === null;
    expect(await read(await written([{ name, content: BIG }], isListed), inName)).toEqual([
      [name, sha256(BIG)],
    ]);
    const other = await written([{ name, content: Buffer.from('other') }], isListed);
    await expect(read(other, inName)).rejects.toMatchObject({
      ...bad(/does not have its checksum/),
      field: ['file', name],
    });
  });

  it.each([
    ['in the middle of a member', 150_000],
    ['in a header', 700],
    ['between two members', 512 + 512 + 512],
    ['before anything', 0],
  ])('is refused if it was cut %s', async (_where, length) => {
    const path = await written(SAMPLE.slice(0, 4));
    await writeFile(path, (await readFile(path)).subarray(0, length));
    await expect(read(path)).rejects.toMatchObject(bad(/cut short|ends before/));
  });

  it('is refused if a header was changed, or the file is none', async () => {
    const path = await written(SAMPLE.slice(0, 1));
    const bytes = await readFile(path);
    bytes[3] = 0x78;
    await writeFile(path, bytes);
    await expect(read(path)).rejects.toMatchObject(bad(/not a tar archive/));
    await writeFile(path, 'something else, that is no archive at all'.repeat(100));
    await expect(read(path)).rejects.toMatchObject(bad(/not a tar archive/));
    await expect(read(join(folder, 'missing.tar'))).rejects.toMatchObject({ code: 'FILE_MISSING' });
  });

  it('is refused with a link, and with a member that is too large', async () => {
    const tar = pack();
    tar.entry({ name: 'link', type: 'symlink', linkname: '/etc/passwd' });
    tar.finalize();
    const path = join(folder, 'link.tar');
    await pipeline(tar, createWriteStream(path));
    await expect(read(path)).rejects.toMatchObject(bad(/link is a symlink/));
    const large = await written([{ name: 'large', content: Buffer.alloc(LIMIT + 1) }]);
    await expect(read(large)).rejects.toMatchObject(bad(/large has 1000001 bytes/));
  });

  it('reads its members only as fast as it is read, and closes them when the reader goes', async () => {
    let [given, closed] = [0, false];
    async function* endless(): AsyncGenerator<TarMember> {
      try {
        for (;;) {
          given += 1;
          yield { name: `${given}`, content: BIG };
        }
      } finally {
        closed = true;
      }
    }
    const stream = tarOf(endless());
    await new Promise((resolve) => stream.once('readable', resolve));
    await setTimeout(50);
    expect(given).toBeLessThan(4);
    stream.destroy();
    await expect.poll(() => closed).toBe(true);
  });

  it('fails with the error of its members', async () => {
    async function* failing(): AsyncGenerator<TarMember> {
      yield { name: 'one', content: BIG };
      throw new Error('no more');
    }
    await expect(pipeline(tarOf(failing()), createWriteStream(join(folder, 'failing.tar')))).rejects.toThrow(
      'no more',
    );
  });
});

describe('a spool', () => {
  it('gives its members back in order, and leaves no file', async () => {
    const spool = await Spool.open(join(folder, 'spool'));
    await spool.add('a', BIG);
    await spool.add('b', Buffer.alloc(0));
    await spool.add('c', Buffer.from('c'));
    const found: unknown[] = [];
    for await (const { name, content } of spool.read()) found.push([name, sha256(content as Buffer)]);
    expect(found).toEqual([
      ['a', sha256(BIG)],
      ['b', sha256(Buffer.alloc(0))],
      ['c', sha256(Buffer.from('c'))],
    ]);
    expect(await readdir(join(folder, 'spool'))).toEqual([]);
    await spool.close();
  });
});

describe('the index of a tar archive', () => {
  const NAMES = ['a.txt', `${'long/'.repeat(30)}b.txt`, `${'x'.repeat(180)}.txt`, '名 前/ç.txt', 'empty.txt'];
  const contentFor = (name: string) => (name === 'empty.txt' ? '' : `${name} ${'.'.repeat(600)}`);
  const read = async (path: string) => {
    const found: Record<string, string> = {};
    for await (const { name, ...part } of tarFiles(path))
      found[name.replace(/^\.\//, '')] = (await readFilePart(part)).toString();
    return found;
  };
  const expected = Object.fromEntries(NAMES.map((name) => [name, contentFor(name)]));

  it('has the files of an archive, with names of any length', async () => {
    const path = join(folder, 'packed.tar');
    const archive = pack();
    const written = pipeline(archive, createWriteStream(path));
    for (const name of NAMES) archive.entry({ name }, contentFor(name));
    archive.entry({ name: 'folder', type: 'directory' });
    archive.entry({ name: 'link', type: 'symlink', linkname: 'a.txt' });
    archive.finalize();
    await written;
    expect(await read(path)).toEqual(expected);
  });

  it.each(['gnu', 'pax', 'ustar'])('reads what the command tar writes as %s', async (format) => {
    const at = join(folder, `tree-${format}`);
    for (const name of NAMES) {
      await mkdir(dirname(join(at, name)), { recursive: true });
      await writeFile(join(at, name), contentFor(name));
    }
    const path = join(folder, `${format}.tar`);
    // ustar has no room for the long name.
    const left = format === 'ustar' ? NAMES.filter((name) => name.length !== 184) : NAMES;
    execFileSync('tar', [`--format=${format}`, '-cf', path, '-C', at, ...left]);
    expect(await read(path)).toEqual(Object.fromEntries(left.map((name) => [name, contentFor(name)])));
  });

  it('refuses an archive that ends within a member, and one with a damaged header', async () => {
    const path = join(folder, 'damaged.tar');
    const archive = pack();
    const written = pipeline(archive, createWriteStream(path));
    for (const name of ['a.txt', 'b.txt']) archive.entry({ name }, 'x'.repeat(1000));
    archive.finalize();
    await written;
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, 2400));
    await expect(read(path)).rejects.toThrow(/ends within a member/);
    bytes[1536] = 0x7a;
    await writeFile(path, bytes);
    await expect(read(path)).rejects.toThrow(/malformed/);
  });
});
