import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Bytes of a header, and of the blocks that a file is padded to. */
const BLOCK = 512;
const FOLDER = '5';

/**
 * Unpacks a template of the embedded database into a folder, which is made if it is missing: a tar archive of a thousand files with short names, as PGlite dumps it. It
 * blocks the thread. PGlite can load the archive as well, and a reader of streams can unpack it, but either takes a second, and this
 * takes a quarter of one.
 *
 * @param template path from `findTemplate`
 */
export function unpackTemplate(template: string, folder: string): void {
  const tar = brotliDecompressSync(readFileSync(template));
  const field = (at: number, bytes: number) => tar.toString('latin1', at, at + bytes).replace(/\0.*$/s, '');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (let at = 0; at + BLOCK <= tar.length; ) {
    const name = field(at, 100);
    // The archive ends with empty blocks.
    if (name === '') return;
    const size = Number.parseInt(field(at + 124, 12), 8);
    const path = join(folder, name);
    const content = at + BLOCK;
    if (field(at + 156, 1) === FOLDER) mkdirSync(path, { recursive: true, mode: 0o700 });
    else writeFileSync(path, tar.subarray(content, content + size), { mode: 0o600 });
    at = content + Math.ceil(size / BLOCK) * BLOCK;
  }
}
