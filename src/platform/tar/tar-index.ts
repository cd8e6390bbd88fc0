import { type FileHandle, open } from 'node:fs/promises';
import type { FilePart } from '../file-part.js';

/** The content of a member, which is a part of the archive. */
export interface TarPart extends FilePart {
  readonly name: string;
}

/** What an extended header says of the next member. */
interface Extension {
  readonly name?: string;
  readonly bytes?: number;
}

const BLOCK = 512;
/** Bytes of an extended header. */
const MAX_EXTENSION = 2 ** 20;
/** Types of members that are files: of old archives, of POSIX, contiguous. */
const FILES = new Set(['\0', '0', '7']);

/**
 * The files of an uncompressed tar archive. Only the headers are read, so it takes the same time whatever the files hold.
 *
 * @throws Error if a header is malformed, or the archive ends within a member
 */
export async function* tarFiles(path: string): AsyncGenerator<TarPart> {
  const file = await open(path);
  try {
    const { size: end } = await file.stat();
    let extension: Extension = {};
    for (let at = 0; at + BLOCK <= end; ) {
      const header = await read(file, at, BLOCK);
      if (header.every((byte) => byte === 0)) return;
      check(header);
      const start = at + BLOCK;
      const type = header.toString('latin1', 156, 157);
      const bytes = extension.bytes ?? sizeIn(header);
      if (start + bytes > end) throw new Error('the archive ends within a member');
      at = start + Math.ceil(bytes / BLOCK) * BLOCK;
      if (type === 'x' || type === 'L') {
        if (bytes > MAX_EXTENSION) throw new Error('an extended header is too long');
        const content = await read(file, start, bytes);
        extension = { ...extension, ...(type === 'x' ? recordsIn(content) : { name: textOf(content) }) };
        continue;
      }
      // The other extended headers are of the whole archive, or of links.
      if (type === 'g' || type === 'K') continue;
      const name = extension.name ?? nameIn(header);
      if (FILES.has(type) && !name.endsWith('/')) yield { name, path, start, bytes };
      extension = {};
    }
  } finally {
    await file.close();
  }
}

async function read(file: FileHandle, at: number, bytes: number): Promise<Buffer> {
  const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, at);
  return buffer;
}

/** The checksum counts itself as spaces. */
function check(header: Buffer): void {
  const sum = header.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
  if (sum !== octal(header, 148, 156)) throw new Error('a header is malformed');
}

/** Sizes that octal digits have no room for are binary. */
function sizeIn(header: Buffer): number {
  return (header[124] ?? 0) & 0x80 ? Number(header.readBigUInt64BE(128)) : octal(header, 124, 136);
}

function nameIn(header: Buffer): string {
  const name = textOf(header.subarray(0, 100));
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? textOf(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** Records of the form `LENGTH KEY=VALUE\n`, whose lengths are bytes. */
function recordsIn(content: Buffer): Extension {
  const found: Record<string, string> = {};
  for (let at = 0; at < content.length; ) {
    const space = content.indexOf(0x20, at);
    const length = Number(content.toString('latin1', at, space));
    if (space < 0 || !Number.isInteger(length) || length <= 0) break;
    const record = content.toString('utf8', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    found[record.slice(0, equals)] = record.slice(equals + 1);
    at += length;
  }
  return {
    ...(found.path !== undefined && { name: found.path }),
    ...(found.size !== undefined && { bytes: Number(found.size) }),
  };
}

function octal(header: Buffer, from: number, to: number): number {
  return Number.parseInt(textOf(header.subarray(from, to)).trim() || '0', 8);
}

function textOf(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end);
}
