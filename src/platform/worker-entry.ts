import { fileURLToPath } from 'node:url';

/**
 * Path of a worker thread's compiled entry, from a module in the same folder.
 *
 * Workers always run compiled JavaScript. In `dist/` the entry is in the same folder; in `src/` (under vitest) it is the same
 * path below `dist/`, which `npm test` builds first.
 *
 * @example workerEntry(import.meta.url, 'train.worker') // …/dist/encoder/train.worker.js
 */
export function workerEntry(importMetaUrl: string, name: string): string {
  const url = new URL(`./${name}.js`, importMetaUrl);
  if (importMetaUrl.endsWith('.ts')) url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/');
  return fileURLToPath(url);
}
