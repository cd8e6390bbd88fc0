import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createMediaStore } from '../../src/media/media-store.js';
import { PICTURE_MEMORY_BYTES } from '../../src/media/picture-memory.js';
import { openSource } from '../../src/services/ingest/bulk/open-source.js';
import { drawShape } from '../factories/shapes.js';
import { openTestApp, type TestApp } from '../support/app.js';
import { ALL_ROWS } from '../support/bulk-files.js';
import { writeLargePicture } from '../support/large-picture.js';
import { pathOf } from '../support/media-files.js';

const MB = 2 ** 20;
/** What else is in memory, such as the pixels of pictures. */
const ELSE = 24 * MB;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** The most bytes of buffers that were in use while `work` ran, besides those of before. */
async function peakOf(work: () => Promise<unknown>): Promise<number> {
  const inUse = () => {
    collectGarbage();
    return process.memoryUsage().arrayBuffers;
  };
  const before = inUse();
  let peak = 0;
  const timer = setInterval(() => {
    peak = Math.max(peak, inUse() - before);
  }, 100);
  await work();
  clearInterval(timer);
  return peak;
}

let app: TestApp;
let folder: string;
let png: Buffer;

beforeAll(async () => {
  app = await openTestApp();
  folder = await mkdtemp(join(tmpdir(), 'picture-memory-'));
  png = await drawShape('ring', 'black', 32);
});
afterAll(async () => {
  await rm(folder, { recursive: true });
  await app.close();
});

describe('the memory of pictures', () => {
  it('stays within the budget while a folder is ingested', async () => {
    const count = 12;
    const rows = Array.from({ length: count }, (_, i) => ({ file_name: `${i}.png`, text: `ring ${i}` }));
    await writeFile(join(folder, 'metadata.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'));
    for (const { file_name } of rows)
      await writeLargePicture(join(folder, file_name), png, file_name, 16 * MB);
    let created = 0;
    const peak = await peakOf(async () => {
      for await (const { items } of app.bulkIngest.run(await openSource(folder, true), ALL_ROWS))
        created += items.created;
    });
    expect(created).toBe(2 * count);
    expect(peak).toBeGreaterThan(8 * MB);
    expect(peak).toBeLessThan(PICTURE_MEMORY_BYTES + ELSE);
  });

  it('stays within the budget while thumbnails are made', async () => {
    const store = await createMediaStore({ directory: join(folder, 'store') });
    const hashes = Array.from({ length: 12 }, (_, i) => i.toString(16).padStart(64, '0'));
    for (const hash of hashes) await writeLargePicture(pathOf(store.image(hash)), png, hash, 16 * MB);
    const peak = await peakOf(() => Promise.all(hashes.map((hash) => store.thumbnail(hash, 64))));
    expect(peak).toBeLessThan(PICTURE_MEMORY_BYTES + ELSE);
  });
});
