// Builds the page of web/ into dist/web, with a compressed copy beside each file: the server sends these as they are.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build } from 'vite';

const CONFIG = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../dist/web', import.meta.url));
const COMPRESSED = new Set(['.js', '.css', '.svg', '.html']);
const SMALLEST = 512;

await build({ configFile: CONFIG, logLevel: 'warn' });
for (const entry of await readdir(OUTPUT, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !COMPRESSED.has(extname(path))) continue;
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) continue;
  await writeFile(`${path}.br`, brotliCompressSync(bytes));
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}
