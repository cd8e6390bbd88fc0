import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createFolderStore } from '../../src/media/folder-store.js';
import type { ObjectStore } from '../../src/media/object-store.js';
import { createS3Store } from '../../src/media/s3-store.js';
import { type SharedFiles, sharedFilesIn } from '../../src/media/shared-files.js';
import { BulkFiles } from '../../src/services/ingest/bulk/bulk-files.js';
import { startS3, type TestS3 } from '../support/s3-server.js';

const ID = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);
const NONE: ReadonlySet<string> = new Set();
const PART = 8;

describe.each(['a folder', 'object storage'])('files that several servers share in %s', (kind) => {
  let folder: string;
  let s3: TestS3 | null = null;
  let objects: ObjectStore;
  let shared: SharedFiles;
  /** Each test has a folder of its own here. */
  let here: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-shared-files-'));
    s3 = kind === 'a folder' ? null : await startS3();
    objects = await (s3 === null
      ? createFolderStore(join(folder, 'objects'))
      : createS3Store({ ...s3.options, directory: join(folder, 'tmp'), report: () => {} }));
    shared = sharedFilesIn(objects, PART);
  });
  beforeEach(async () => {
    here = await mkdtemp(join(folder, 'here-'));
    await shared.sweep(Date.now() + 60_000, NONE);
  });
  afterAll(async () => {
    await s3?.dispose();
    await rm(folder, { recursive: true, force: true });
  });

  const keys = async () => {
    const found: string[] = [];
    for await (const { key } of objects.list('sources/')) found.push(key);
    return found;
  };

  it.each([0, 1, PART, PART + 1, 3 * PART])('have all of their %i bytes', async (bytes) => {
    const path = join(here, 'file');
    const content = Buffer.from('0123456789abcdefghijklmnopqrstuvwxyz').subarray(0, bytes);
    await writeFile(path, content);
    expect(await shared.has(ID)).toBe(false);
    await shared.put(ID, path);
    expect(await shared.has(ID)).toBe(true);
    expect(await shared.get(ID, join(here, 'copy'))).toBe(true);
    expect(await readFile(join(here, 'copy'))).toEqual(content);
    expect(await keys()).toHaveLength(Math.floor(bytes / PART) + 1);
  });

  it('are absent unless they were stored to their end', async () => {
    const path = join(here, 'file');
    await writeFile(path, 'x'.repeat(2 * PART));
    await shared.put(ID, path);
    await objects.remove([(await keys()).at(-1) ?? '']);
    expect(await shared.get(ID, join(here, 'copy'))).toBe(false);
    await expect(readFile(join(here, 'copy'))).rejects.toThrow('ENOENT');
  });

  it('are removed when they are old and no job needs them', async () => {
    const path = join(here, 'file');
    await writeFile(path, 'x'.repeat(PART));
    await shared.put(ID, path);
    await shared.put(OTHER, path);
    expect(await shared.sweep(Date.now() - 60_000, NONE)).toBe(0);
    expect(await shared.sweep(Date.now() + 60_000, new Set([OTHER]))).toBe(1);
    expect([await shared.has(ID), await shared.has(OTHER)]).toEqual([false, true]);
  });

  it('are uploads of one server that others find', async () => {
    const server = async (name: string) => {
      await mkdir(join(here, name));
      return new BulkFiles(join(here, name, 'uploads'), 1_000, {}, shared);
    };
    const [one, other] = [await server('one'), await server('other')];
    const rows = Buffer.from(`${JSON.stringify({ text: 'a red circle' })}\n`);
    const { id } = await one.receive(Readable.from([rows]));
    await other.check(id);
    expect(await readFile(await other.require(id))).toEqual(rows);
    await expect(other.check(OTHER)).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' });
    await expect(other.require(OTHER)).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' });
    // Two copies in folders, and the objects, which stay for a day longer.
    expect(await one.sweep(Date.now() + 60_000, NONE)).toBe(1);
    expect(await readFile(await one.require(id))).toEqual(rows);
    expect(await other.sweep(Date.now() + 25 * 3_600_000, NONE)).toBe(2);
    expect(await one.sweep(Date.now() + 60_000, NONE)).toBe(1);
    await expect(one.require(id)).rejects.toMatchObject({ code: 'UPLOAD_NOT_FOUND' });
  });
});
