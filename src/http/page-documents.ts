import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { TrustedDocuments } from './trusted-documents.js';

/** Written by scripts/build-page.mjs. */
const FILE = fileURLToPath(new URL('../../dist/web/documents.json', import.meta.url));

/** The operations of the built page, by the hexadecimal SHA-256 of their text; none if it was not built. */
export async function readPageDocuments(): Promise<TrustedDocuments> {
  if (!existsSync(FILE)) return new Map();
  return new Map(Object.entries(JSON.parse(await readFile(FILE, 'utf8')) as Record<string, string>));
}
