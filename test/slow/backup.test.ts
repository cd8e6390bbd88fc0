import { createWriteStream, existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Catalog, openCatalog } from '../../src/catalog/catalog.js';
import { createMediaStore, type MediaStore } from '../../src/media/media-store.js';
import { type TarMember, tarOf } from '../../src/platform/tar/tar-writer.js';
import { pictureIn } from '../../src/services/archive/archive-format.js';
import { Backup } from '../../src/services/backup/backup.js';
import { restoreBackup } from '../../src/services/backup/restore.js';
import { drawShape } from '../factories/shapes.js';
import { imageWrite, textWrite } from '../support/catalog-items.js';
import { archivedRows } from '../support/catalogue-rows.js';
import { bytesOf, contentsOf } from '../support/two-catalogues.js';

let root: string;
let catalog: Catalog;
let media: MediaStore;
let rows: Awaited<ReturnType<typeof archivedRows>>;
/** A backup of `rows`. */
let file: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-backup-'));
  catalog = await openCatalog({ dataDir: join(root, 'data'), sharedBuffers: 32 });
  media = await createMediaStore({ directory: join(root, 'data/media') });
  const stored = await media.put(await drawShape('circle', 'red'));
  await catalog.items.upsertMany([
    imageWrite('', {
      contentHash: stored.sha256,
      image: { ...stored, pictureHash: null },
      classNames: ['circle'],
    }),
    ...Array.from({ length: 500 }, (_, n) => textWrite(`text number ${n}`, { pairKey: `pair-${n}` })),
  ]);
  rows = await archivedRows(catalog);
  file = join(root, 'backup.tar');
  await backUp(file);
});
afterAll(async () => {
  await catalog.close();
  await rm(root, { recursive: true, force: true });
});

const backUp = (path: string) => pipeline(new Backup(catalog, media).stream(), createWriteStream(path));

async function rowsIn(dataDir: string) {
  const opened = await openCatalog({ dataDir, sharedBuffers: 32 });
  try {
    return await archivedRows(opened);
  } finally {
    await opened.close();
  }
}

/** A data folder with one text. */
async function otherData(name: string): Promise<string> {
  const dataDir = join(root, name);
  const opened = await openCatalog({ dataDir, sharedBuffers: 32 });
  await opened.items.upsertMany([textWrite(`of ${name}`)]);
  await opened.close();
  return dataDir;
}

describe('a backup of the embedded database', () => {
  it('is restored into a new data folder, with all rows and bytes', async () => {
    const dataDir = join(root, 'new');
    expect(await restoreBackup(file, dataDir)).toEqual({ pictures: 1, replaced: null });
    expect(await rowsIn(dataDir)).toEqual(rows);
    expect(await bytesOf(await createMediaStore({ directory: join(dataDir, 'media') }))).toEqual(
      await bytesOf(media),
    );
    expect((await readdir(dataDir)).sort()).toEqual(['lock', 'media', 'postgres']);
  });

  it('keeps what was there before under another name, also of the restore before', async () => {
    const dataDir = await otherData('other');
    const before = await rowsIn(dataDir);
    const replaced = join(dataDir, 'postgres.replaced');
    expect(await restoreBackup(file, dataDir)).toMatchObject({ replaced });
    expect(await rowsIn(dataDir)).toEqual(rows);
    expect(await restoreBackup(file, dataDir)).toEqual({ pictures: 0, replaced });
    expect(await rowsIn(dataDir)).toEqual(rows);
    await rm(join(dataDir, 'postgres'), { recursive: true });
    await restoreBackup(file, dataDir);
    // The former database can be put back by hand.
    const again = await otherData('again');
    await restoreBackup(file, again);
    await rm(join(again, 'postgres'), { recursive: true });
    await rename(join(again, 'postgres.replaced'), join(again, 'postgres'));
    expect((await rowsIn(again)).item).toHaveLength(before.item?.length ?? 0);
  });

  it('holds one state while others write, and leaves no copy', async () => {
    const path = join(root, 'under-load.tar');
    let writing = true;
    const writes = (async () => {
      for (let n = 0; writing; n += 1) {
        const key = `busy-${n}`;
        await catalog.items.upsertMany([
          textWrite(`${key} a`, { pairKey: key }),
          textWrite(`${key} b`, { pairKey: key }),
        ]);
      }
    })();
    await backUp(path);
    writing = false;
    await writes;
    const dataDir = join(root, 'under-load');
    await restoreBackup(path, dataDir);
    const opened = await openCatalog({ dataDir, sharedBuffers: 32 });
    const halves = await opened.database.run(
      `SELECT p.key FROM pair p JOIN item i ON i.pair_id = p.id WHERE p.key LIKE 'busy-%' GROUP BY 1 HAVING count(*) <> 2`,
    );
    await opened.close();
    expect(halves).toEqual([]);
    expect(existsSync(join(root, 'data/.backup'))).toBe(false);
  });

  it('is refused while another process uses the data folder', async () => {
    await expect(restoreBackup(file, join(root, 'data'))).rejects.toMatchObject({
      code: 'DATA_FOLDER_LOCKED',
    });
  });

  it('leaves the database in place if the file is damaged, or has no database that starts', async () => {
    const dataDir = await otherData('kept');
    const before = await rowsIn(dataDir);
    const bad = join(root, 'bad.tar');
    const bytes = await readFile(file);
    await writeFile(bad, bytes.subarray(0, bytes.length - 5000));
    await expect(restoreBackup(bad, dataDir)).rejects.toMatchObject({ code: 'BAD_ARCHIVE' });
    await writeFile(bad, Buffer.from(bytes).fill(0x20, 1_000_000, 1_000_001));
    await expect(restoreBackup(bad, dataDir)).rejects.toMatchObject({ code: 'BAD_ARCHIVE' });

    const change = async (edit: (members: Map<string, Buffer>) => void) => {
      const members = await contentsOf(file);
      edit(members);
      async function* all(): AsyncGenerator<TarMember> {
        for (const [name, content] of members)
          yield { name, content: name.endsWith('/') ? 'folder' : content };
      }
      await pipeline(
        tarOf(all(), (name) => pictureIn(name) === null),
        createWriteStream(bad),
      );
    };
    await change((members) => members.set('database/../../outside', Buffer.from('x')));
    await expect(restoreBackup(bad, dataDir)).rejects.toMatchObject({ code: 'BAD_ARCHIVE' });
    await change((members) =>
      members.set(
        'commonspace-backup.json',
        Buffer.from('{"format":"commonspace-backup","version":2,"createdAt":"2026-01-01T00:00:00Z"}'),
      ),
    );
    await expect(restoreBackup(bad, dataDir)).rejects.toMatchObject({ code: 'ARCHIVE_TOO_NEW' });
    await change((members) => members.set('database/global/pg_control', Buffer.alloc(8192)));
    await expect(restoreBackup(bad, dataDir)).rejects.toMatchObject({ code: 'DATABASE_UNREACHABLE' });
    expect(await rowsIn(dataDir)).toEqual(before);
    expect(existsSync(join(dataDir, 'restoring'))).toBe(false);
  });

  it('is completed by the next start if the process ends between the last two steps', async () => {
    const dataDir = await otherData('between');
    await restoreBackup(file, dataDir);
    await rename(join(dataDir, 'postgres'), join(dataDir, 'postgres.restored'));
    expect(await rowsIn(dataDir)).toEqual(rows);
    expect(existsSync(join(dataDir, 'postgres.restored'))).toBe(false);
  });

  it('is not made of a Postgres server', () => {
    const backup = new Backup({ files: null, media: catalog.media }, media);
    expect(() => backup.stream()).toThrow(expect.objectContaining({ code: 'NOT_EMBEDDED' }));
  });
});
