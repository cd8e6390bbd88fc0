import { fileURLToPath } from 'node:url';

/** A path from the package's root: two folders up both from `src/catalog` and from `dist/catalog`. */
export function fromPackageRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
