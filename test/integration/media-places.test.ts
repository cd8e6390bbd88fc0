import { createHash } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createMediaStore, type MediaStore } from '../../src/media/media-store.js';
import type { OpenedObject } from '../../src/media/object-store.js';
import { createS3Store } from '../../src/media/s3-store.js';
import { startS3, type TestS3 } from '../support/s3-server.js';
import { codeOf, noise } from './media-pictures.js';

let s3: TestS3;
let directory: string;

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.dispose());
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'commonspace-places-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const picture = (width = 40) => noise(width, 30).png().toBuffer();
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
const contentOf = async ({ stream, bytes }: OpenedObject) => {
  const content = Buffer.concat(await stream.toArray());
  expect(content.length).toBe(bytes);
  return content;
};
const hashesIn = async (store: MediaStore) => {
  const found: string[] = [];
  for await (const file of store.files()) found.push(file.sha256);
  return found;
};

describe.each(['folder', 's3'] as const)('pictures in a place (%s)', (place) => {
  let store: MediaStore;
  beforeEach(async () => {
    // Each test has its own prefix.
    const prefix = `test-${sha256(Buffer.from(directory)).slice(0, 12)}`;
    store = await createMediaStore({ directory, s3: place === 's3' ? { ...s3.options, prefix } : null });
    expect(store.place).toBe(place === 's3' ? `s3://pictures/${prefix}/` : directory);
    expect(await store.problem()).toBeNull();
  });

  it('are stored once, and read by stream and at once', async () => {
    const bytes = await picture();
    const [stored, again] = await Promise.all([store.put(bytes), store.put(bytes)]);
    expect(stored).toEqual({
      sha256: sha256(bytes),
      mediaType: 'image/png',
      width: 40,
      height: 30,
      bytes: bytes.length,
    });
    expect(again).toEqual(stored);
    expect(await store.put(bytes)).toEqual(stored);
    expect(await store.has(stored.sha256)).toBe(true);
    const image = store.image(stored.sha256);
    expect((await image.read()).equals(bytes)).toBe(true);
    expect((await contentOf(await image.open())).equals(bytes)).toBe(true);
    expect(await store.use(stored.sha256, async (used) => used.equals(bytes))).toBe(true);
    expect(await store.describe(stored.sha256)).toEqual(stored);
    expect(image.path === null).toBe(place === 's3');
  });

  it('are MEDIA_NOT_FOUND when they are not there', async () => {
    for (const id of ['0'.repeat(64), 'nonsense', '../../secret']) {
      expect(await store.has(id)).toBe(false);
      expect(await codeOf(async () => await store.image(id).open())).toBe('MEDIA_NOT_FOUND');
      expect(await codeOf(async () => await store.image(id).read())).toBe('MEDIA_NOT_FOUND');
      expect(await codeOf(store.use(id, async () => {}))).toBe('MEDIA_NOT_FOUND');
      expect(await codeOf(store.thumbnail(id, 64))).toBe('MEDIA_NOT_FOUND');
    }
  });

  it('have thumbnails, which go with them', async () => {
    const { sha256: id } = await store.put(await picture(300));
    const [thumbnail, other] = await Promise.all([store.thumbnail(id, 100), store.thumbnail(id, 5000)]);
    expect(await sharp(await thumbnail.read()).metadata()).toMatchObject({ format: 'webp', width: 128 });
    expect(await sharp(await contentOf(await other.open())).metadata()).toMatchObject({ width: 300 });
    await store.remove(id);
    await store.remove(id);
    expect(await store.has(id)).toBe(false);
    expect(await codeOf(thumbnail.read())).toBe('MEDIA_NOT_FOUND');
    expect(await codeOf(store.thumbnail(id, 100))).toBe('MEDIA_NOT_FOUND');
  });

  it('are held while they are removed', async () => {
    const bytes = await picture();
    const { stored, held } = await store.putHeld(bytes);
    await store.remove(stored.sha256);
    expect(await store.has(stored.sha256)).toBe(false);
    await held.restore();
    expect((await store.image(stored.sha256).read()).equals(bytes)).toBe(true);
    await held.release();
    expect(await readdir(join(directory, 'tmp'))).toEqual([]);
  });

  it('are listed and swept', async () => {
    const pictures = await Promise.all(Array.from({ length: 3 }, (_, i) => picture(41 + i)));
    const stored = await Promise.all(pictures.map((bytes) => store.put(bytes)));
    const ids = stored.map((image) => image.sha256).sort();
    for (const id of ids) await store.thumbnail(id, 64);
    expect(await hashesIn(store)).toEqual(ids);
    expect(await store.sweep(Date.now() + 60_000)).toBe(0);
    expect(await store.sweep(0)).toBe(0);
    const [gone = ''] = ids;
    const thumbnail = await store.thumbnail(gone, 64);
    // As after a process was killed within a removal.
    await removeOnlyImage(gone);
    expect(await store.sweep(0)).toBe(0);
    expect(await store.sweep(Date.now() + 60_000)).toBe(1);
    expect(await codeOf(thumbnail.read())).toBe('MEDIA_NOT_FOUND');
    expect(await hashesIn(store)).toEqual(ids.slice(1));
  });

  async function removeOnlyImage(id: string): Promise<void> {
    const key = `${id.slice(0, 2)}/${id.slice(2, 4)}/${id}`;
    if (place === 'folder') return await rm(join(directory, key));
    const prefix = store.place.replace('s3://pictures/', '').replace(/\/$/, '');
    const objects = await createS3Store({
      ...s3.options,
      prefix,
      directory: join(directory, 'tmp'),
      report: (error) => {
        throw error;
      },
    });
    await objects.remove([key]);
  }
});
