import { appendFileSync, existsSync, symlinkSync, truncateSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LineFileRef, LineFileWriter, readLines } from '../../src/platform/line-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'commonspace-lines-'));
});
afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function linesOf(ref: LineFileRef): Promise<string[]> {
  const found: string[] = [];
  for await (const lines of readLines(ref)) found.push(...lines);
  return found;
}

/** More than is read at once, with letters of several bytes. */
const LINES = Array.from({ length: 20_000 }, (_, i) => `${i} größer ${'é'.repeat(i % 9)}`);

async function store(): Promise<LineFileRef> {
  const writer = await LineFileWriter.create(join(folder, 'a.lines'));
  await writer.append(LINES.slice(0, 7));
  await writer.append([]);
  await writer.append(LINES.slice(7));
  return await writer.finish();
}

it('returns the lines that were written, in order', async () => {
  const ref = await store();
  expect(ref.lines).toBe(LINES.length);
  expect(await linesOf(ref)).toEqual(LINES);
  const empty = await LineFileWriter.create(join(folder, 'empty'));
  expect(await linesOf(await empty.finish())).toEqual([]);
});

it.each([
  ['was cut', (file: string) => truncateSync(file, 100)],
  ['grew', (file: string) => appendFileSync(file, 'one more\n')],
])('refuses a file that %s', async (_, damage) => {
  const ref = await store();
  damage(ref.file);
  await expect(linesOf(ref)).rejects.toMatchObject({ code: 'BAD_ROWS' });
});

it.skipIf(!existsSync('/dev/full'))('reports a full disk', async () => {
  const file = join(folder, 'full');
  symlinkSync('/dev/full', file);
  const writer = await LineFileWriter.create(file);
  await expect(writer.append(LINES)).rejects.toMatchObject({ code: 'DISK_FULL' });
  expect(existsSync(file)).toBe(false);
});
