// Completes dist after the compiler: copies the files that are read at run time, and makes the entry point executable.
import { chmod, cp } from 'node:fs/promises';
import { extname } from 'node:path';

const src = new URL('../src/', import.meta.url);
const dist = new URL('../dist/', import.meta.url);
// A path without extension is a folder.
const COPIED = new Set(['.css', '.html', '.js', '']);

await cp(src, dist, { recursive: true, filter: (path) => COPIED.has(extname(path)) });
await chmod(new URL('main.js', dist), 0o755);
