import { once } from 'node:events';
import { statSync } from 'node:fs';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import { createTestDatabase } from '../support/catalog.js';
import { archivedRows } from '../support/catalogue-rows.js';
import { printed, startCli } from '../support/cli.js';
import { command } from '../support/command.js';
import { writeShapesFolder } from '../support/shapes-folder.js';

const TRAIN = ['--seed', '1', '--epochs', '6', '--holdout', '0.2', '--tune', 'none'];
const SEARCH = ['search', 'a big red circle', '--first', '20', '--json'];

let root: string;
let data: string;
let archive: string;
/** What a search answers, with scores. */
let found: unknown;
let rows: Awaited<ReturnType<typeof archivedRows>>;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'commonspace-archive-command-'));
  [data, archive] = [join(root, 'data'), join(root, 'catalogue.tar')];
  await writeShapesFolder(join(root, 'shapes'));
  await command(['ingest', join(root, 'shapes'), '--data', data]);
  await command(['train', '--data', data, ...TRAIN]);
  found = await searchIn(data);
  rows = await rowsOf(data);
  const result = await command(['export', archive, '--data', data, '--json']);
  expect(result.json()).toEqual({ file: archive, bytes: (await stat(archive)).size });
});
afterAll(() => rm(root, { recursive: true, force: true }));

/** Paths of thumbnails lie in the data folder. */
async function searchIn(folder: string, env: NodeJS.ProcessEnv = {}): Promise<unknown> {
  const { results } = (await command([...SEARCH, '--data', folder], env)).json<{
    results: { thumbnail: string | null }[];
  }>();
  expect(results.length).toBe(20);
  return results.map(({ thumbnail: _, ...rest }) => rest);
}

function rounded(results: unknown): unknown {
  return JSON.parse(
    JSON.stringify(results, (key, value) => (key === 'score' ? Math.round(value * 1e5) : value)),
  );
}

async function rowsOf(dataDir: string, databaseUrl: string | null = null) {
  const catalog = await openCatalog({ dataDir, databaseUrl, sharedBuffers: 32 });
  try {
    return await archivedRows(catalog);
  } finally {
    await catalog.close();
  }
}

/** Runs a command and kills it this many milliseconds after it has come so far, unless it has ended before. */
async function killed(args: readonly string[], reached: () => boolean, milliseconds = 0): Promise<void> {
  const child = startCli(args);
  const closed = once(child, 'close');
  while (child.exitCode === null && !reached()) await setTimeout(2);
  await setTimeout(milliseconds);
  child.kill('SIGKILL');
  await closed;
}

/** Whether a file or folder has been made or changed since the call; there may be one of a run before. */
function isNew(path: string): () => boolean {
  const made = () => statSync(path, { throwIfNoEntry: false })?.ctimeMs;
  const before = made();
  return () => ![undefined, before].includes(made());
}

describe('commonspace export and import', () => {
  it('copy a catalogue with its encoder, and searches answer the same', async () => {
    const copy = join(root, 'copy');
    const result = await command(['import', archive, '--data', copy, '--json']);
    expect(result.json()).toMatchObject({ items: 120, pictures: 60, encoders: 1, missingPictures: 0 });
    expect(await rowsOf(copy)).toEqual(rows);
    expect(await searchIn(copy)).toEqual(found);
    expect((await command(['import', archive, '--data', copy, '--json'])).json()).toMatchObject({
      items: 0,
      vectors: 0,
    });
  });

  it('is completed by a second run after kill -9 at different moments', async () => {
    const copy = join(root, 'killed');
    // The import begins when the database answers.
    const socket = join(copy, 'run', '.s.PGSQL.5432');
    for (const milliseconds of [50, 200, 350, 600]) {
      await killed(['import', archive, '--data', copy], isNew(socket), milliseconds);
    }
    const result = await command(['import', archive, '--data', copy, '--json']);
    expect(result.code).toBe(0);
    expect(await rowsOf(copy)).toEqual(rows);
    expect(await searchIn(copy)).toEqual(found);
  });

  it('writes the same archive through the server of the data folder', async () => {
    const server = startCli(['serve', '--data', data, '--port', '0']);
    try {
      await printed(server, /serves http/);
      const beside = join(root, 'beside.tar');
      expect((await command(['export', beside, '--data', data])).code).toBe(0);
      const copy = join(root, 'beside');
      expect((await command(['import', beside, '--data', copy])).code).toBe(0);
      expect(await rowsOf(copy)).toEqual(rows);
    } finally {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('close', resolve));
    }
  });

  it('import through the server of the data folder, with the same results', async () => {
    const served = join(root, 'served');
    const server = startCli(['serve', '--data', served, '--port', '0']);
    const args = ['import', archive, '--data', served, '--json'];
    try {
      await printed(server, /serves http/);
      const bad = join(root, 'bad-beside.tar');
      await writeFile(bad, (await readFile(archive)).subarray(0, -4000));
      const damaged = await command(['import', bad, '--data', served, '--json']);
      expect([damaged.code, damaged.json()]).toMatchObject([2, { error: { code: 'BAD_ARCHIVE' } }]);
      const missing = await command(['import', join(root, 'none.tar'), '--data', served]);
      expect([missing.code, missing.stderr]).toEqual([2, expect.stringMatching(/^FILE_MISSING \(file\)/)]);
      const result = await command(args);
      expect(result.json()).toMatchObject({ items: 120, pictures: 60, encoders: 1, missingPictures: 0 });
      expect(result.stderr).toMatch(/MB uploaded\n(.*\n)*.* members/);
      expect(await searchIn(served)).toEqual(found);
      expect((await command(args)).json()).toMatchObject({ items: 0, vectors: 0 });
    } finally {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('close', resolve));
    }
    expect(await rowsOf(served)).toEqual(rows);
  });

  it('back up the database while a server serves it, and restore it, but not beside a server', async () => {
    const server = startCli(['serve', '--data', data, '--port', '0']);
    const [file, copy] = [join(root, 'backup.tar'), join(root, 'restored')];
    try {
      await printed(server, /serves http/);
      expect(await command(['backup', file, '--data', data])).toMatchObject({ code: 0 });
      expect((await command(['restore', file, '--data', data])).stderr).toMatch(/DATA_FOLDER_LOCKED/);
      expect(await command(['search', 'a circle', '--data', data])).toMatchObject({ code: 0 });
    } finally {
      server.kill('SIGTERM');
      await new Promise((resolve) => server.once('close', resolve));
    }
    expect((await command(['restore', file, '--data', copy, '--json'])).json()).toEqual({
      pictures: 60,
      replaced: null,
    });
    expect(await rowsOf(copy)).toEqual(rows);
    expect(await searchIn(copy)).toEqual(found);
  });

  it('restore a backup after kill -9 of restores at different moments, and never lose the database', async () => {
    const [file, copy] = [join(root, 'killed.tar'), join(root, 'killed-restore')];
    await command(['import', archive, '--data', copy]);
    await command(['backup', file, '--data', data]);
    const half = join('restoring', 'postgres', 'global', 'pg_control');
    for (const step of ['restoring', half, 'postgres.restored', 'postgres.replaced']) {
      await killed(['restore', file, '--data', copy], isNew(join(copy, step)));
      // Before and after the restore, the rows are the same.
      expect(await rowsOf(copy)).toEqual(rows);
    }
    expect(await command(['restore', file, '--data', copy])).toMatchObject({ code: 0 });
    expect(await searchIn(copy)).toEqual(found);
  });

  it('leave files alone: an existing one is not replaced, and a failed export leaves none', async () => {
    const before = await readFile(archive);
    const again = await command(['export', archive, '--data', data]);
    expect(again.code).toBe(2);
    expect(again.stderr).toMatch(/BAD_INPUT \(file\)/);
    expect(await readFile(archive)).toEqual(before);
    expect((await command(['export', join(root, 'no-such-folder/a.tar'), '--data', data])).code).toBe(2);
  });

  it.each([
    ['a file that is no archive', Buffer.from('something else'.repeat(1000)), 2, /BAD_ARCHIVE/],
    ['an empty file', Buffer.alloc(0), 2, /BAD_ARCHIVE/],
  ])('refuse %s', async (_what, bytes, code, message) => {
    const path = join(root, 'bad.tar');
    await writeFile(path, bytes);
    const result = await command(['import', path, '--data', join(root, 'empty')]);
    expect(result.code).toBe(code);
    expect(result.stderr).toMatch(message);
  });

  it.skipIf(!process.env.TEST_DATABASE_URL)(
    'copy from the embedded database to a native one, and back',
    async () => {
      const database = await createTestDatabase();
      try {
        const [onServer, back, second] = [
          join(root, 'on-server'),
          join(root, 'back'),
          join(root, 'second.tar'),
        ];
        const env = { DATABASE_URL: database.url };
        expect(await command(['import', archive, '--data', onServer], env)).toMatchObject({ code: 0 });
        expect(await rowsOf(onServer, database.url)).toEqual(rows);
        // The two compute distances with other instructions.
        expect(rounded(await searchIn(onServer, env))).toEqual(rounded(found));
        expect((await command(['export', second, '--data', onServer], env)).code).toBe(0);
        expect((await command(['import', second, '--data', back])).code).toBe(0);
        expect(await rowsOf(back)).toEqual(rows);
        expect(await searchIn(back)).toEqual(found);
      } finally {
        await database.drop();
      }
    },
  );
});
