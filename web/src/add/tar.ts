/** A file of an archive. */
export interface TarFile {
  /** With slashes. */
  readonly name: string;
  readonly content: Blob;
}

type Part = Blob | Uint8Array<ArrayBuffer>;

const BLOCK = 512;
const NAME_BYTES = 100;
const encoder = new TextEncoder();

/**
 * A tar archive of files. It refers to their content, so the browser reads each file only when it sends it, and memory holds the headers.
 * The same files give the same bytes.
 */
export function tarOf(files: Iterable<TarFile>): Blob {
  const parts: Part[] = [];
  for (const { name, content } of files) {
    const bytes = encoder.encode(name);
    // The extended header holds what the plain one has no room for. Its names are UTF-8 for certain.
    const isPlain = bytes.length <= NAME_BYTES && bytes.length === name.length;
    if (!isPlain) add(parts, header('PaxHeader', pathRecord(name).length, 'x'), new Blob([pathRecord(name)]));
    add(parts, header(isPlain ? name : 'file', content.size, '0'), content);
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return new Blob(parts, { type: 'application/x-tar' });
}

function add(parts: Part[], head: Uint8Array<ArrayBuffer>, content: Blob): void {
  parts.push(head, content);
  const rest = content.size % BLOCK;
  if (rest > 0) parts.push(new Uint8Array(BLOCK - rest));
}

/** A header of ustar. */
function header(name: string, size: number, type: '0' | 'x'): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const write = (at: number, text: string) => block.set(encoder.encode(text), at);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  write(0, name);
  write(100, `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0`);
  write(124, `${octal(size, 11)}\0${octal(0, 11)}\0`);
  // The checksum counts itself as spaces.
  write(148, `        ${type}`);
  write(257, 'ustar\u000000');
  write(
    148,
    `${octal(
      block.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
  );
  return block;
}

/** A record of the extended header: its own length, key and value. */
function pathRecord(name: string): Uint8Array<ArrayBuffer> {
  const rest = encoder.encode(` path=${name}\n`).length;
  let length = rest;
  while (length !== rest + String(length).length) length = rest + String(length).length;
  return encoder.encode(`${length} path=${name}\n`);
}
