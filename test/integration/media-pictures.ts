import sharp, { type Sharp } from 'sharp';

/** Pictures that the tests generate. */

export type Rgb = readonly [number, number, number];

export function solid(width: number, height: number, [r, g, b]: Rgb, alpha?: number): Sharp {
  const background = { r, g, b, alpha: alpha ?? 1 };
  return sharp({ create: { width, height, channels: alpha === undefined ? 3 : 4, background } });
}

/** Pixels of deterministic noise, which does not compress. */
export function noise(width: number, height: number): Sharp {
  const data = new Uint8Array(width * height * 3);
  let state = 1;
  for (let i = 0; i < data.length; i += 1) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    data[i] = state >> 16;
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

export function svg(body: string, attributes = 'width="40" height="30"'): Buffer {
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" ${attributes}>${body}</svg>`,
  );
}

/** The same 40 × 30 red picture in every supported type. */
export async function oneOfEach(): Promise<Record<string, Buffer>> {
  const red = () => solid(40, 30, [200, 30, 60]);
  return {
    'image/jpeg': await red().jpeg().toBuffer(),
    'image/png': await red().png().toBuffer(),
    'image/webp': await red().webp({ lossless: true }).toBuffer(),
    'image/avif': await red().avif({ effort: 0 }).toBuffer(),
    'image/gif': await red().gif().toBuffer(),
    'image/tiff': await red().tiff({ compression: 'lzw' }).toBuffer(),
    'image/svg+xml': svg('<rect width="40" height="30" fill="#c81e3c"/>'),
  };
}

/** A PNG whose header declares `width` × `height`, with hardly any pixel data. */
export function pngHeader(width: number, height: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, RGB
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    signature,
    chunk('IHDR', header),
    chunk('IDAT', Buffer.alloc(8)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const ends = Buffer.alloc(8);
  ends.writeUInt32BE(data.length, 0);
  ends.writeUInt32BE(crc32(body), 4);
  return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
}

function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}

/** The colour of one pixel of decoded RGB. */
export function pixel(image: { data: Uint8Array; width: number }, x: number, y: number): number[] {
  const at = (y * image.width + x) * 3;
  return [...image.data.subarray(at, at + 3)];
}

/** The largest difference of a channel between two colours. */
export function distance(a: readonly number[], b: readonly number[]): number {
  return Math.max(...a.map((value, i) => Math.abs(value - (b[i] ?? Number.NaN))));
}

/** The `code` of the CommonspaceError that the work ends with. */
export async function codeOf(work: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return (error as { code?: string }).code ?? String(error);
  }
  return 'no error';
}
