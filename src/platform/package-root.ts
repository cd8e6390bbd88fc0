import { fileURLToPath } from 'node:url';

/** An absolute path from one relative to the package's root, which is two folders above this file in `src` and in `dist`. */
export function fromPackageRoot(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
