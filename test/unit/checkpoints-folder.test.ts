import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Checkpoints } from '../../src/services/encoders/checkpoints.js';

let runs: string;
beforeEach(async () => {
  runs = await mkdtemp(join(tmpdir(), 'commonspace-runs-'));
});
afterEach(async () => {
  await rm(runs, { recursive: true });
});

it('removes a work folder at the end, also after a failure', async () => {
  const checkpoints = new Checkpoints(runs);
  let used = '';
  const failing = checkpoints.withFolder('one', async (folder) => {
    used = folder;
    await writeFile(join(folder, 'a.rows'), 'rows');
    throw new Error('stopped');
  });
  await expect(failing).rejects.toThrow('stopped');
  expect(used).toContain(join(runs, 'one'));
  expect(await readdir(runs)).toEqual([]);
});

it('removes what a killed process left, but not what another one uses', async () => {
  const [old, used] = ['work-old', 'work-used'].map((name) => join(runs, 'one', name)) as [string, string];
  await mkdir(old, { recursive: true });
  await mkdir(used);
  const twoDaysAgo = new Date(Date.now() - 48 * 3_600_000);
  await utimes(old, twoDaysAgo, twoDaysAgo);
  await new Checkpoints(runs).withFolder('one', async () => {});
  expect([existsSync(old), existsSync(used)]).toEqual([false, true]);
});
