import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openCatalog } from '../../src/catalog/catalog.js';
import {
  currentOrigin,
  findTemplate,
  TEMPLATE_ORIGIN,
} from '../../src/catalog/postgres/embedded-template.js';
import { lockFolder } from '../../src/catalog/postgres/folder-lock.js';
import { ownIdentity } from '../../src/catalog/postgres/process-identity.js';
import { fromPackageRoot } from '../../src/platform/package-root.js';
import { textWrite } from '../support/catalog-items.js';

const CHILD = fromPackageRoot('test/support/catalog-child.mjs');
const NOBODY = 65_534;

describe('the data folder', () => {
  let folder = '';
  const children: ChildProcess[] = [];

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'commonspace-folder-'));
  });
  afterEach(async () => {
    for (const child of children.splice(0)) await kill(child);
    await rm(folder, { recursive: true, force: true });
  });

  function start(mode: 'hold' | 'insert', path = folder, uid?: number) {
    const child = spawn(process.execPath, [CHILD, mode, path, ...(uid === undefined ? [] : [String(uid)])], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    return { child, lines: createInterface({ input: child.stdout })[Symbol.asyncIterator]() };
  }

  async function kill(child: ChildProcess): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }

  /** A lock file of another process. */
  async function leaveLock(owner: Partial<ReturnType<typeof ownIdentity>>, ageSeconds = 0): Promise<void> {
    await mkdir(join(folder, 'lock'), { recursive: true });
    const path = join(folder, 'lock', '7');
    await writeFile(path, JSON.stringify({ state: 'held', owner: { ...ownIdentity(), ...owner } }));
    const then = new Date(Date.now() - ageSeconds * 1000);
    await utimes(path, then, then);
  }

  const locked = (pid: number) => ({
    code: 'DATA_FOLDER_LOCKED',
    message: expect.stringContaining(`process ${pid} `),
  });

  it('is refused to a second process with the pid of the first', async () => {
    const { child, lines } = start('hold');
    expect((await lines.next()).value).toBe('held');
    await expect(lockFolder(folder)).rejects.toMatchObject(locked(child.pid ?? 0));
    await expect(openCatalog({ dataDir: folder, sharedBuffers: 32 })).rejects.toMatchObject(
      locked(child.pid ?? 0),
    );
  });

  it('is refused to a second catalogue of the same process until the first is closed', async () => {
    const first = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject(locked(process.pid));
    await first.release();
    const second = await lockFolder(folder);
    await expect(lockFolder(folder)).rejects.toMatchObject(locked(process.pid));
    await second.release();
    expect(await readdir(join(folder, 'lock'))).toHaveLength(1);
  });

  it('goes to exactly one of several processes that start at once after the holder was killed', async () => {
    const first = start('hold');
    await first.lines.next();
    await kill(first.child);
    const racers = Array.from({ length: 6 }, () => start('hold'));
    const answers = await Promise.all(racers.map(async ({ lines }) => String((await lines.next()).value)));
    const winners = racers.filter((_, i) => answers[i] === 'held');
    expect(winners).toHaveLength(1);
    const losers = answers.filter((answer) => answer !== 'held');
    for (const answer of losers) {
      expect(answer).toMatch(/^DATA_FOLDER_LOCKED .*process \d+/);
    }
  });

  it('is not held by a process that has the pid of a dead holder', async () => {
    const before = ownIdentity();
    await leaveLock({ started: before.started });
    await expect(lockFolder(folder)).rejects.toMatchObject(locked(process.pid));
    await leaveLock({ started: 'some time before' });
    await (await lockFolder(folder)).release();
  });

  it('is held by a process on another host while it refreshes its lock', async () => {
    const elsewhere = { host: 'elsewhere', boot: 'another boot', pid: 4242 };
    await leaveLock(elsewhere, 20);
    await expect(lockFolder(folder)).rejects.toMatchObject({
      code: 'DATA_FOLDER_LOCKED',
      message: expect.stringContaining('process 4242 on elsewhere'),
    });
    await leaveLock(elsewhere, 300);
    await (await lockFolder(folder)).release();
  });

  it('is not held by a process from before a reboot', async () => {
    // Only Linux identifies a boot.
    await leaveLock(ownIdentity().boot === null ? { started: 'then' } : { boot: 'an earlier boot' });
    await (await lockFolder(folder)).release();
  });

  it('is refused as not writable if it is a file or lies below one', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    for (const dataDir of [file, join(file, 'below')]) {
      await expect(openCatalog({ dataDir, sharedBuffers: 32 })).rejects.toMatchObject({
        code: 'DATA_FOLDER_NOT_WRITABLE',
        message: expect.stringContaining(dataDir),
      });
    }
  });

  it('is refused as not writable without write permission', async () => {
    await chmod(folder, 0o555);
    if (process.getuid?.() !== 0) {
      await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'DATA_FOLDER_NOT_WRITABLE' });
      return;
    }
    // Permissions do not bind root, so another user tries.
    const { lines } = start('hold', folder, NOBODY);
    expect((await lines.next()).value).toMatch(/^DATA_FOLDER_NOT_WRITABLE .*no permission/);
  });

  it('keeps every acknowledged write when the process is killed', async () => {
    const { child, lines } = start('insert');
    expect((await lines.next()).value).toBe('open');
    const acknowledged: string[] = [];
    for (let n = 0; n < 60; n += 1) acknowledged.push(String((await lines.next()).value));
    await kill(child);
    for (let line = await lines.next(); !line.done; line = await lines.next())
      acknowledged.push(String(line.value));
    const catalog = await openCatalog({ dataDir: folder, sharedBuffers: 32 });
    try {
      const rows = await catalog.items.byIds(acknowledged);
      expect(rows.map((row) => row.id)).toEqual(acknowledged);
      const features = await catalog.vectors.featuresFor(acknowledged, 't@1');
      expect(features.size).toBe(acknowledged.length);
    } finally {
      await catalog.close();
    }
  });

  it('opens again after a clean close, with a socket that only its owner can reach', async () => {
    const write = textWrite('kept');
    const first = await openCatalog({ dataDir: folder, sharedBuffers: 32 });
    await first.items.upsertMany([write]);
    if (process.platform !== 'win32') expect((await stat(join(folder, 'run'))).mode & 0o777).toBe(0o700);
    await first.close();
    expect(await readdir(folder)).toEqual(['lock', 'postgres']);
    const second = await openCatalog({ dataDir: folder, sharedBuffers: 32 });
    expect(await second.items.byId(write.id)).toMatchObject({ text: 'kept' });
    await second.close();
  });

  it('may have a longer path than a socket', async () => {
    const dataDir = join(folder, 'a-rather-long-name-for-a-folder/'.repeat(5));
    const catalog = await openCatalog({ dataDir, sharedBuffers: 32 });
    expect(await catalog.items.count(null)).toBe(0);
    await catalog.close();
  });

  it('is recreated if the first start was interrupted', async () => {
    await mkdir(join(folder, 'postgres', 'base'), { recursive: true });
    await writeFile(join(folder, 'postgres', 'PG_VERSION'), '18\n');
    await writeFile(join(folder, 'postgres.unfinished'), '');
    const catalog = await openCatalog({ dataDir: folder, sharedBuffers: 32 });
    expect(await catalog.items.count(null)).toBe(0);
    await catalog.close();
    expect(await readdir(folder)).not.toContain('postgres.unfinished');
  });

  it('starts from a template that is up to date (else run scripts/make-template.mjs)', async () => {
    const origin = JSON.parse(await readFile(fromPackageRoot(TEMPLATE_ORIGIN), 'utf8'));
    expect(origin).toEqual(await currentOrigin());
    expect(await findTemplate()).not.toBeNull();
  });
});
