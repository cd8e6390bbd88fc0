import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import sharp from 'sharp';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkImage } from '../../src/media/decode.js';
import { createMediaStore, type MediaStore, thumbnailStep } from '../../src/media/media-store.js';
import { pathOf } from '../support/media-files.js';
import { codeOf, noise, solid, svg } from './media-pictures.js';

let directory: string;
let store: MediaStore;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commonspace-media-'));
  store = await createMediaStore({ directory });
});
afterEach(async () => {
  await rm(directory, { recursive: true, force: true });
});

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

async function filesIn(folder = directory): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .sort();
}

describe('put', () => {
  it('stores the bytes unchanged, under their hash', async () => {
    const bytes = await noise(30, 20).jpeg().toBuffer();
    const id = sha256(bytes);
    const stored = await store.put(bytes);
    expect(stored).toEqual({
      sha256: id,
      mediaType: 'image/jpeg',
      width: 30,
      height: 20,
      bytes: bytes.length,
    });
    expect(await filesIn()).toEqual([join(id.slice(0, 2), id.slice(2, 4), id)]);
    expect(pathOf(store.image(id))).toBe(join(directory, id.slice(0, 2), id.slice(2, 4), id));
    expect((await store.image(id).read()).equals(bytes)).toBe(true);
    expect(await store.has(id)).toBe(true);
    expect(await store.describe(id)).toEqual(stored);
  });

  it('of a stored image changes nothing', async () => {
    const bytes = await noise(30, 20).png().toBuffer();
    const first = await store.put(bytes);
    const written = await stat(pathOf(store.image(first.sha256)));
    expect(await store.put(bytes)).toEqual(first);
    expect((await stat(pathOf(store.image(first.sha256)))).ino).toBe(written.ino);
  });

  it('accepts a checked image without checking it again', async () => {
    const bytes = await noise(30, 20).png().toBuffer();
    expect(await store.put(await checkImage(bytes))).toEqual(await store.put(bytes));
  });

  it('of the same bytes from concurrent calls and two stores leaves one complete file', async () => {
    const bytes = await noise(200, 200).png().toBuffer();
    const other = await createMediaStore({ directory });
    const all = await Promise.all(
      Array.from({ length: 24 }, (_, i) => (i % 2 ? store : other).put(Buffer.from(bytes))),
    );
    expect(new Set(all.map((stored) => stored.sha256))).toEqual(new Set([sha256(bytes)]));
    expect(await filesIn()).toHaveLength(1);
    expect((await store.image(sha256(bytes)).read()).equals(bytes)).toBe(true);
  });

  it('of a bad image stores nothing, and does not block later calls', async () => {
    const good = await noise(64, 64).png().toBuffer();
    const bad = good.subarray(0, 500);
    const codes = await Promise.all([
      codeOf(store.put(bad)),
      codeOf(store.put(good)),
      codeOf(store.put(bad)),
    ]);
    expect(codes).toEqual(['UNREADABLE_IMAGE', 'no error', 'UNREADABLE_IMAGE']);
    expect(await filesIn()).toHaveLength(1);
    expect(await codeOf(store.put(new Uint8Array()))).toBe('EMPTY_IMAGE');
  });

  it('repairs a truncated file', async () => {
    const bytes = await noise(64, 64).png().toBuffer();
    const { sha256: id } = await store.put(bytes);
    await truncate(pathOf(store.image(id)), 10);
    await store.put(bytes);
    expect((await store.image(id).read()).equals(bytes)).toBe(true);
  });
});

describe('ids', () => {
  it.each([
    '',
    'abc',
    '../../../etc/passwd',
    `${'a'.repeat(63)}/`,
    'A'.repeat(64),
    `${'a'.repeat(64)}\n`,
    'z'.repeat(64),
  ])('%j is none', async (id) => {
    expect(await store.has(id)).toBe(false);
    expect(await codeOf(() => store.image(id))).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.use(id, async () => {}))).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.describe(id))).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.remove(id))).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.thumbnail(id, 64))).toBe('MEDIA_NOT_FOUND');
  });

  it('of images that are not stored: MEDIA_NOT_FOUND', async () => {
    const id = '0'.repeat(64);
    expect(await store.has(id)).toBe(false);
    await store.remove(id);
    expect(await codeOf(store.image(id).read())).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.image(id).open())).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.use(id, async () => {}))).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.thumbnail(id, 64))).toBe('MEDIA_NOT_FOUND');
  });
});

describe('thumbnails', () => {
  it('have a few widths, rounded up', () => {
    expect([1, 64, 65, 200, 1024, 99_999].map(thumbnailStep)).toEqual([64, 64, 128, 256, 1024, 1024]);
    for (const width of [0, -1, Number.NaN]) expect(() => thumbnailStep(width)).toThrow(/width/);
  });

  it('are WebP of that width, at a stable path, rendered once', async () => {
    const { sha256: id } = await store.put(await noise(600, 300).jpeg().toBuffer());
    const thumbnail = await store.thumbnail(id, 100);
    const expected = join(directory, 'thumbnails', id.slice(0, 2), id.slice(2, 4), `${id}-128.webp`);
    expect(thumbnail).toMatchObject({ path: expected, mediaType: 'image/webp' });
    expect(await sharp(await readFile(expected)).metadata()).toMatchObject({
      format: 'webp',
      width: 128,
      height: 64,
    });
    const { ino } = await stat(expected);
    expect(pathOf(await store.thumbnail(id, 128))).toBe(thumbnail.path);
    expect((await stat(expected)).ino).toBe(ino);
  });

  it('are rendered once for concurrent requests', async () => {
    const { sha256: id } = await store.put(await noise(600, 300).jpeg().toBuffer());
    const all = await Promise.all(Array.from({ length: 20 }, (_, i) => store.thumbnail(id, 130 + i)));
    expect(new Set(all.map(({ path }) => path)).size).toBe(1);
    expect((await filesIn()).filter((name) => name.endsWith('.webp'))).toHaveLength(1);
  });

  it('are never larger than the image, and larger requests share one file', async () => {
    const { sha256: id } = await store.put(await noise(100, 50).png().toBuffer());
    const paths = await Promise.all(
      [100, 128, 256, 5000].map(async (width) => pathOf(await store.thumbnail(id, width))),
    );
    expect(new Set(paths).size).toBe(1);
    expect(await sharp(await readFile(paths[0] as string)).metadata()).toMatchObject({
      width: 100,
      height: 50,
    });
  });

  it('keep transparency, apply the orientation, and contain no location', async () => {
    const clear = await store.put(await solid(80, 80, [1, 2, 3], 0).png().toBuffer());
    expect(
      (await sharp(await readFile(pathOf(await store.thumbnail(clear.sha256, 64)))).metadata()).hasAlpha,
    ).toBe(true);
    const turned = await store.put(
      await noise(100, 50)
        .withExif({ IFD3: { GPSLatitudeRef: 'N' } })
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
    );
    expect(turned).toMatchObject({ width: 50, height: 100 });
    const metadata = await sharp(await readFile(pathOf(await store.thumbnail(turned.sha256, 64)))).metadata();
    expect(metadata).toMatchObject({ width: 50, height: 100 });
    expect(metadata.exif).toBeUndefined();
    expect(metadata.orientation).toBeUndefined();
  });

  it('of very tall images stay within the size limit of WebP', async () => {
    const { sha256: id } = await store.put(await solid(70, 20_000, [1, 2, 3]).png().toBuffer());
    expect(await sharp(await readFile(pathOf(await store.thumbnail(id, 64)))).metadata()).toMatchObject({
      height: 256,
    });
  });

  it('of SVGs are rendered at that width', async () => {
    const { sha256: id } = await store.put(svg('<rect width="40" height="30" fill="red"/>'));
    expect(await sharp(await readFile(pathOf(await store.thumbnail(id, 200)))).metadata()).toMatchObject({
      width: 256,
    });
  });

  it('are rendered again if a power failure left them empty', async () => {
    const { sha256: id } = await store.put(await noise(100, 50).png().toBuffer());
    const path = pathOf(await store.thumbnail(id, 64));
    await truncate(path, 0);
    await store.thumbnail(id, 64);
    expect((await stat(path)).size).toBeGreaterThan(0);
  });
});

describe('remove', () => {
  it('removes the image and all thumbnails', async () => {
    const kept = await store.put(await solid(300, 300, [1, 2, 3]).png().toBuffer());
    const { sha256: id } = await store.put(await noise(300, 300).png().toBuffer());
    for (const width of [64, 128, 256]) await store.thumbnail(id, width);
    await store.remove(id);
    expect(await filesIn()).toEqual([relative(directory, pathOf(store.image(kept.sha256)))]);
    expect(await store.has(id)).toBe(false);
    await store.remove(id);
  });
});

describe('opening', () => {
  it('keeps stored images', async () => {
    const stored = await store.put(await noise(30, 20).png().toBuffer());
    expect(await (await createMediaStore({ directory })).describe(stored.sha256)).toEqual(stored);
  });

  it('removes temporary files of ended processes only', async () => {
    const host = hostname().replace(/[^\w-]/g, '_');
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    const old = new Date(Date.now() - 2 * 60 * 60 * 1000);
    const leftovers = {
      dead: `${host}.${dead}.0.0`,
      before: `${host}.${process.pid}.0.0`,
      old: 'elsewhere.1.0.1',
    };
    const alive = { parent: `${host}.${process.ppid}.0.0`, elsewhere: 'elsewhere.1.0.0' };
    for (const name of Object.values({ ...leftovers, ...alive }))
      await writeFile(join(directory, 'tmp', name), 'half');
    await utimes(join(directory, 'tmp', leftovers.old), old, old);
    await createMediaStore({ directory });
    expect((await readdir(join(directory, 'tmp'))).sort()).toEqual(Object.values(alive).sort());
  });

  it('creates missing folders', async () => {
    const deeper = await createMediaStore({ directory: join(directory, 'a', 'b') });
    expect(await codeOf(deeper.put(await noise(8, 8).png().toBuffer()))).toBe('no error');
  });

  it('fails with DATA_FOLDER_NOT_WRITABLE if a file has the folder’s name', async () => {
    await writeFile(join(directory, 'taken'), '');
    expect(await codeOf(createMediaStore({ directory: join(directory, 'taken') }))).toBe(
      'DATA_FOLDER_NOT_WRITABLE',
    );
  });

  // The permission does not apply to root.
  it.skipIf(process.getuid?.() === 0)('fails with DATA_FOLDER_NOT_WRITABLE without permission', async () => {
    const locked = join(directory, 'locked');
    await mkdir(locked);
    await chmod(locked, 0o500);
    expect(await codeOf(createMediaStore({ directory: locked }))).toBe('DATA_FOLDER_NOT_WRITABLE');
  });
});
