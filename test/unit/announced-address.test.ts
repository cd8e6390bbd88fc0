import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { announceAddress, announcedAddress, lockFolder } from '../../src/catalog/postgres/folder-lock.js';

const ADDRESS = 'http://127.0.0.1:4123';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-lock-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Rewrites the lock as another process could have left it. */
async function rewrite(change: (lock: { owner: Record<string, unknown>; address: unknown }) => void) {
  const [number = ''] = (await readdir(join(folder, 'lock'))).filter((name) => /^\d+$/.test(name));
  const path = join(folder, 'lock', number);
  const lock = JSON.parse(await readFile(path, 'utf8'));
  change(lock);
  await writeFile(path, JSON.stringify(lock));
}

describe('the address in the lock', () => {
  it('stands there while its process serves', async () => {
    expect(await announcedAddress(folder)).toBeNull();
    const lock = await lockFolder(folder);
    expect(await announcedAddress(folder)).toBeNull();
    await announceAddress(folder, ADDRESS);
    expect(await announcedAddress(folder)).toBe(ADDRESS);
    await expect(lockFolder(folder)).rejects.toMatchObject({ code: 'DATA_FOLDER_LOCKED' });
    await announceAddress(folder, null);
    expect(await announcedAddress(folder)).toBeNull();
    await announceAddress(folder, ADDRESS);
    await lock.release();
    expect(await announcedAddress(folder)).toBeNull();
    await (await lockFolder(folder)).release();
  });

  it('is not noted by a process that does not hold the folder', async () => {
    await announceAddress(folder, ADDRESS);
    const lock = await lockFolder(folder);
    await rewrite(({ owner }) => {
      owner.started = 'another start';
    });
    await announceAddress(folder, ADDRESS);
    await rewrite(({ owner }) => {
      owner.started = 'back';
    });
    expect(await announcedAddress(folder)).toBeNull();
    await lock.release();
  });

  it('of a process that has ended is not used, because its port may belong to another program', async () => {
    const lock = await lockFolder(folder);
    await announceAddress(folder, ADDRESS);
    const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
    await new Promise((resolve) => child.on('close', resolve));
    await rewrite(({ owner }) => {
      owner.pid = child.pid;
    });
    expect(await announcedAddress(folder)).toBeNull();
    await lock.release();
  });

  it('of a process in another container is not used', async () => {
    const lock = await lockFolder(folder);
    await announceAddress(folder, ADDRESS);
    await rewrite(({ owner }) => {
      Object.assign(owner, { boot: 'other', pidNamespace: 'other', host: 'other' });
    });
    expect(await announcedAddress(folder)).toBeNull();
    await lock.release();
  });

  it.each([
    'http://192.0.2.7:4000',
    'http://127.0.0.1.example.com',
    'http://localhost.example.com:4000',
    'https://127.0.0.1:4000',
    'http://user@127.0.0.1:4000',
    'file:///etc/passwd',
    'nonsense',
    7,
  ])('%s is not used, because a key is sent only to this machine', async (address) => {
    const lock = await lockFolder(folder);
    await rewrite((content) => {
      content.address = address;
    });
    expect(await announcedAddress(folder)).toBeNull();
    await lock.release();
  });
});
