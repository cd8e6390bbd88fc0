import { fileURLToPath } from 'node:url';

/**
 * Where a worker thread's compiled entry stands, asked from a module beside it.
 *
 * Workers always run compiled JavaScript: from `dist/` the sibling is next door; from `src/` (under vitest) it is the
 * same path in `dist/`, which `npm test` builds first.
 *
 * @example workerEntry(import.meta.url, 'train.worker') // …/dist/encoder/train.worker.js
 */
export function workerEntry(importMetaUrl: string, name: string): string {
  const url = new URL(`./${name}.js`, importMetaUrl);
  if (importMetaUrl.endsWith('.ts')) url.pathname = url.pathname.replace(/\/src\/(?!.*\/src\/)/, '/dist/');
  return fileURLToPath(url);
}
