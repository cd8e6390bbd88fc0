// Builds the page of web/ into dist/web, with a compressed copy beside each file: the server sends these as they are. Its operations
// are written to dist/web/documents.json, by the hash of their text: a server that runs known documents only runs them as well.
import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { build, runnerImport } from 'vite';

const CONFIG = fileURLToPath(new URL('../web/vite.config.ts', import.meta.url));
const OUTPUT = fileURLToPath(new URL('../dist/web', import.meta.url));
/** The page's own operations, and those of the client that it uses. */
const OPERATIONS = ['../web/src/__generated__/operations.ts', '../src/__generated__/client-operations.ts'];
const COMPRESSED = new Set(['.js', '.css', '.svg', '.html']);
const SMALLEST = 512;
/** Script that a first visit loads, gzipped. */
const MOST_FIRST_BYTES = 260_000;

await build({ configFile: CONFIG, logLevel: 'warn' });
for (const entry of await readdir(OUTPUT, { recursive: true, withFileTypes: true })) {
  const path = join(entry.parentPath, entry.name);
  if (!entry.isFile() || !COMPRESSED.has(extname(path))) continue;
  const bytes = await readFile(path);
  if (bytes.length < SMALLEST) continue;
  await writeFile(`${path}.br`, brotliCompressSync(bytes));
  await writeFile(`${path}.gz`, gzipSync(bytes, { level: 9 }));
}

const documents = {};
for (const file of OPERATIONS) {
  const { module } = await runnerImport(fileURLToPath(new URL(file, import.meta.url)), { configFile: false });
  for (const [name, document] of Object.entries(module)) {
    if (!name.endsWith('Document')) continue;
    const text = String(document);
    documents[createHash('sha256').update(text).digest('hex')] = text;
  }
}
await writeFile(join(OUTPUT, 'documents.json'), JSON.stringify(documents));

// What the document names is loaded at once; parts that are opened later are not in it.
const html = await readFile(join(OUTPUT, 'index.html'), 'utf8');
let first = 0;
for (const [, path] of html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)) {
  first += gzipSync(await readFile(join(OUTPUT, path)), { level: 9 }).length;
}
if (first === 0 || first > MOST_FIRST_BYTES)
  throw new Error(`a first visit loads ${first} bytes of script; the limit is ${MOST_FIRST_BYTES}`);
