import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { shapePairs } from '../factories/shapes.js';

/** Writes the shapes as a folder of pictures with a metadata.jsonl, as `commonspace ingest` reads it. */
export async function writeShapesFolder(folder: string): Promise<void> {
  await mkdir(join(folder, 'img'), { recursive: true });
  const rows = await Promise.all(
    (await shapePairs()).map(async ({ key, png, caption, shape, colour }) => {
      await writeFile(join(folder, 'img', `${key}.png`), png);
      return { file_name: `img/${key}.png`, text: caption, label: shape, colour };
    }),
  );
  await writeMetadata(folder, rows);
}

/** A string is a line as it is. */
export async function writeMetadata(folder: string, rows: readonly (object | string)[]): Promise<void> {
  const lines = rows.map((row) => (typeof row === 'string' ? row : JSON.stringify(row)));
  await writeFile(join(folder, 'metadata.jsonl'), `${lines.join('\n')}\n`);
}
