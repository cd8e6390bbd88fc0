import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import sharp, { type Sharp } from 'sharp';
import { describe, expect, it } from 'vitest';
import { checkAndDecode, checkImage, decodeRgb, inspectImage } from '../../src/media/decode.js';
import { MAX_IMAGE_BYTES } from '../../src/media/limits.js';
import { mediaHeaders } from '../../src/media/media-headers.js';
import {
  codeOf,
  distance,
  noise,
  oneOfEach,
  pixel,
  pngHeader,
  type Rgb,
  solid,
  svg,
} from './media-pictures.js';

const RED: Rgb = [200, 30, 60];
const WHITE: Rgb = [255, 255, 255];
const size = (width: number, height: number, fit: 'fill' | 'cover' | 'contain' = 'fill') => ({
  width,
  height,
  fit,
});

describe('every supported type', async () => {
  const pictures = await oneOfEach();
  it.each(Object.keys(pictures))('%s is checked and decoded', async (mediaType) => {
    const bytes = pictures[mediaType] as Buffer;
    const { image, rgb } = await checkAndDecode(bytes, size(16, 12));
    expect(image).toMatchObject({ mediaType, width: 40, height: 30 });
    expect(rgb.data).toHaveLength(16 * 12 * 3);
    expect(distance(pixel(rgb, 8, 6), RED)).toBeLessThanOrEqual(3);
    expect(await checkImage(bytes)).toMatchObject({ mediaType, width: 40, height: 30 });
    expect(await inspectImage(bytes)).toEqual({ mediaType, width: 40, height: 30 });
  });
});

describe('orientation', () => {
  const [width, height] = [20, 10];
  /** The picture with its orientation applied: its quarters are red, green, blue and black. */
  const colourAt = (x: number, y: number): Rgb => {
    if (y < height / 2) return x < width / 2 ? [255, 0, 0] : [0, 255, 0];
    return x < width / 2 ? [0, 0, 255] : [0, 0, 0];
  };
  /** From the EXIF standard: the side of the oriented picture that row 0 of the file is, and the side that column 0 is. */
  const sides = [
    ['top', 'left'],
    ['top', 'right'],
    ['bottom', 'right'],
    ['bottom', 'left'],
    ['left', 'top'],
    ['right', 'top'],
    ['right', 'bottom'],
    ['left', 'bottom'],
  ] as const;

  it.each(sides.map(([row, column], i) => [i + 1, row, column] as const))(
    '%i (%s, %s)',
    async (tag, row, column) => {
      const lying = row === 'left' || row === 'right';
      const [storedWidth, storedHeight] = lying ? [height, width] : [width, height];
      const data = new Uint8Array(width * height * 3);
      for (let r = 0; r < storedHeight; r += 1) {
        for (let c = 0; c < storedWidth; c += 1) {
          const from = { [row]: r, [column]: c };
          const x = from.left ?? width - 1 - (from.right ?? 0);
          const y = from.top ?? height - 1 - (from.bottom ?? 0);
          data.set(colourAt(x, y), (r * storedWidth + c) * 3);
        }
      }
      const bytes = await sharp(data, { raw: { width: storedWidth, height: storedHeight, channels: 3 } })
        .withMetadata({ orientation: tag })
        .jpeg({ quality: 100, chromaSubsampling: '4:4:4' })
        .toBuffer();
      const { image, rgb } = await checkAndDecode(bytes, size(width, height));
      expect([image.width, image.height]).toEqual([width, height]);
      for (const [x, y] of [
        [2, 2],
        [17, 2],
        [2, 7],
        [17, 7],
      ] as const) {
        expect(distance(pixel(rgb, x, y), colourAt(x, y))).toBeLessThan(20);
      }
    },
  );
});

describe('colour', () => {
  const greyAlpha = Buffer.from(Array.from({ length: 8 * 8 * 2 }, (_, i) => (i % 2 === 0 ? 0 : 51)));
  const cases: Record<string, [() => Sharp, Rgb, number]> = {
    'half transparent': [() => solid(8, 8, RED, 0.5).png(), [227, 142, 157], 2],
    'wholly transparent': [() => solid(8, 8, RED, 0).png(), WHITE, 0],
    'transparent WebP': [() => solid(8, 8, RED, 0).webp(), WHITE, 0],
    'transparent GIF': [() => solid(8, 8, RED, 0).gif(), WHITE, 0],
    '16 bits': [() => solid(8, 8, RED).toColourspace('rgb16').png(), RED, 1],
    '16 bits TIFF': [() => solid(8, 8, RED).toColourspace('rgb16').tiff(), RED, 1],
    '10 bits AVIF': [() => solid(8, 8, RED).avif({ bitdepth: 10, effort: 0 }), RED, 2],
    grey: [() => solid(8, 8, [120, 120, 120]).toColourspace('b-w').png(), [120, 120, 120], 0],
    'grey, 16 bits': [() => solid(8, 8, [120, 120, 120]).toColourspace('grey16').png(), [120, 120, 120], 1],
    'grey with alpha': [
      () =>
        sharp(greyAlpha, { raw: { width: 8, height: 8, channels: 2 } })
          .toColourspace('b-w')
          .png(),
      [204, 204, 204],
      1,
    ],
    '1 bit': [
      () => solid(8, 8, WHITE).toColourspace('b-w').tiff({ bitdepth: 1, compression: 'ccittfax4' }),
      WHITE,
      0,
    ],
    palette: [() => solid(8, 8, RED).png({ palette: true }), RED, 1],
    'CMYK with a profile': [() => solid(8, 8, RED).withIccProfile('cmyk').jpeg({ quality: 100 }), RED, 25],
    'CMYK without one': [() => solid(8, 8, RED).toColourspace('cmyk').jpeg({ quality: 100 }), RED, 25],
    'CMYK TIFF': [() => solid(8, 8, RED).toColourspace('cmyk').tiff(), RED, 25],
    'a wide-gamut profile': [() => solid(8, 8, RED).withIccProfile('p3').png(), RED, 1],
    CIELAB: [() => solid(8, 8, RED).toColourspace('lab').tiff({ compression: 'none' }), RED, 1],
  };
  it.each(Object.keys(cases))('%s becomes 8-bit sRGB on white', async (name) => {
    const [make, expected, tolerance] = cases[name] as [() => Sharp, Rgb, number];
    const rgb = await decodeRgb(await make().toBuffer(), size(4, 4));
    expect(rgb.data).toHaveLength(48);
    expect(distance(pixel(rgb, 2, 2), expected)).toBeLessThanOrEqual(tolerance);
  });
});

describe('sizes', () => {
  // Left half red, right half blue.
  const halves = async () =>
    solid(80, 40, [0, 0, 255])
      .composite([{ input: await solid(40, 40, [255, 0, 0]).png().toBuffer(), left: 0, top: 0 }])
      .png()
      .toBuffer();

  it('contain pads with white', async () => {
    const rgb = await decodeRgb(await halves(), size(16, 16, 'contain'));
    expect([rgb.width, rgb.height]).toEqual([16, 16]);
    expect(pixel(rgb, 8, 1)).toEqual([...WHITE]);
    expect(pixel(rgb, 1, 8)).toEqual([255, 0, 0]);
    expect(pixel(rgb, 14, 8)).toEqual([0, 0, 255]);
  });

  it('cover crops the middle, fill stretches', async () => {
    const covered = await decodeRgb(await halves(), size(16, 16, 'cover'));
    const filled = await decodeRgb(await halves(), size(16, 16, 'fill'));
    for (const rgb of [covered, filled]) {
      expect(pixel(rgb, 1, 1)).toEqual([255, 0, 0]);
      expect(pixel(rgb, 14, 14)).toEqual([0, 0, 255]);
    }
  });

  it('decodes a file by its path, and throws FILE_MISSING without one', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-media-'));
    try {
      const path = join(folder, 'named-wrongly.gif');
      await writeFile(path, await halves());
      expect(pixel(await decodeRgb(path, size(8, 4)), 0, 0)).toEqual([255, 0, 0]);
      expect(await codeOf(decodeRgb(join(folder, 'nothing'), size(8, 4)))).toBe('FILE_MISSING');
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('gives the same pixels every time, sequentially or concurrently', async () => {
    const bytes = await noise(200, 150).webp().toBuffer();
    const first = await decodeRgb(bytes, size(32, 32));
    const others = await Promise.all(Array.from({ length: 20 }, () => decodeRgb(bytes, size(32, 32))));
    for (const other of others) expect(Buffer.compare(other.data, first.data)).toBe(0);
  });
});

describe('several frames or pages', () => {
  const frames = async () => {
    const all = await Promise.all(
      ([RED, [0, 0, 255]] as Rgb[]).map((rgb) => solid(24, 16, rgb).png().toBuffer()),
    );
    return sharp(all, { join: { animated: true } });
  };
  it.each(['gif', 'webp', 'tiff'] as const)('%s: the first is used', async (format) => {
    const bytes = await (await frames()).toFormat(format).toBuffer();
    expect((await sharp(bytes).metadata()).pages).toBe(2);
    const { image, rgb } = await checkAndDecode(bytes, size(6, 4));
    expect([image.width, image.height]).toEqual([24, 16]);
    expect(distance(pixel(rgb, 3, 2), RED)).toBeLessThan(10);
  });

  it('pixels of later frames do not count towards the limit', async () => {
    // 2 × 5000 × 5200 = 52 megapixels in all, 26 in the frame that is used.
    const frame = (rgb: Rgb) => solid(5000, 5200, rgb).png({ compressionLevel: 1 }).toBuffer();
    const bytes = await sharp([await frame(RED), await frame(WHITE)], {
      join: { animated: true },
      limitInputPixels: false,
    })
      .gif({ effort: 1, colours: 2 })
      .toBuffer();
    expect(await inspectImage(bytes)).toMatchObject({ width: 5000, height: 5200 });
  });
});

describe('refusals', () => {
  it('EMPTY_IMAGE', async () => {
    expect(await codeOf(checkImage(new Uint8Array()))).toBe('EMPTY_IMAGE');
  });

  it('IMAGE_TOO_LARGE by bytes, before they are parsed', async () => {
    expect(await codeOf(checkImage(Buffer.alloc(MAX_IMAGE_BYTES + 1)))).toBe('IMAGE_TOO_LARGE');
    expect(await codeOf(checkImage(Buffer.alloc(MAX_IMAGE_BYTES)))).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it.each<[string, Buffer]>([
    ['a small PNG whose header declares a huge size', pngHeader(60_000, 60_000)],
    ['a PNG one row above the limit', pngHeader(10_000, 5001)],
    ['a huge SVG', svg('<rect width="1" height="1"/>', 'width="100000" height="100000"')],
  ])('TOO_MANY_PIXELS: %s', async (_what, bytes) => {
    expect(await codeOf(inspectImage(bytes))).toBe('TOO_MANY_PIXELS');
    expect(await codeOf(decodeRgb(bytes, size(8, 8)))).toBe('TOO_MANY_PIXELS');
  });

  it('accepts exactly as many pixels as the limit', async () => {
    expect(await inspectImage(pngHeader(10_000, 5000))).toMatchObject({ width: 10_000, height: 5000 });
  });

  const damages: Record<string, (bytes: Buffer) => Uint8Array> = {
    'cut in half': (bytes) => bytes.subarray(0, bytes.length / 2),
    'without its last twentieth': (bytes) => bytes.subarray(0, Math.floor(bytes.length * 0.95)),
    'nothing sensible after its first bytes': (bytes) =>
      Buffer.from(bytes).map((byte, i) => (i < 16 ? byte : (i * 7919) >> 3)),
    'its first bytes alone': (bytes) => bytes.subarray(0, 16),
  };
  const formats: Record<string, () => Sharp> = {
    JPEG: () => noise(120, 90).jpeg(),
    'progressive JPEG': () => noise(120, 90).jpeg({ progressive: true }),
    PNG: () => noise(120, 90).png(),
    'interlaced PNG': () => noise(120, 90).png({ progressive: true }),
    WebP: () => noise(120, 90).webp(),
    'lossless WebP': () => noise(120, 90).webp({ lossless: true }),
    AVIF: () => noise(120, 90).avif({ effort: 0 }),
    GIF: () => noise(120, 90).gif({ effort: 1 }),
    TIFF: () => noise(120, 90).tiff({ compression: 'lzw' }),
  };
  const broken = Object.keys(formats).flatMap((format) =>
    Object.keys(damages).map((damage) => [format, damage] as const),
  );
  it.each(broken)('UNREADABLE_IMAGE: %s %s', async (format, damage) => {
    const bytes = await (formats[format] as () => Sharp)().toBuffer();
    const damaged = (damages[damage] as (bytes: Buffer) => Uint8Array)(bytes);
    expect(await codeOf(checkImage(bytes))).toBe('no error');
    expect(await codeOf(checkImage(damaged))).toBe('UNREADABLE_IMAGE');
    expect(await codeOf(checkAndDecode(damaged, size(8, 8, 'cover')))).toBe('UNREADABLE_IMAGE');
  });

  it('detects a missing end of a picture, even if the crop excludes it', async () => {
    const tall = await noise(60, 600).png().toBuffer();
    const cut = tall.subarray(0, Math.floor(tall.length * 0.9));
    expect(await codeOf(checkAndDecode(cut, size(8, 8, 'cover')))).toBe('UNREADABLE_IMAGE');
  });

  it('accepts bytes after the end, as cameras write them', async () => {
    const bytes = Buffer.concat([await noise(64, 64).jpeg().toBuffer(), Buffer.from('maker notes')]);
    expect(await codeOf(checkImage(bytes))).toBe('no error');
  });

  it.each<[string, Buffer]>([
    ['without a size', svg('', '')],
    ['of size zero', svg('<rect width="9" height="9"/>', 'width="0" height="10"')],
    ['truncated', svg('<rect width="9" height="9"/>').subarray(0, -8)],
    ['that is not well-formed', svg('<rect></circle>')],
    [
      'with entities',
      Buffer.concat([Buffer.from('<!DOCTYPE svg [<!ENTITY a "b">]>'), svg('<text>&a;</text>')]),
    ],
    ['nested too deeply', svg('<g>'.repeat(5000) + '</g>'.repeat(5000))],
  ])('UNREADABLE_IMAGE: an SVG %s', async (_what, bytes) => {
    expect(await codeOf(checkImage(bytes))).toBe('UNREADABLE_IMAGE');
  });
});

describe('SVGs', () => {
  it('are rendered at the requested size, not enlarged from pixels', async () => {
    const sharpEdge = svg('<rect width="12" height="24" fill="#000"/>', 'width="24" height="24"');
    const rgb = await decodeRgb(sharpEdge, size(480, 480));
    expect(pixel(rgb, 238, 240)).toEqual([0, 0, 0]);
    expect(pixel(rgb, 241, 240)).toEqual([...WHITE]);
  });

  it('show no content of other files', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'commonspace-media-'));
    const requests: string[] = [];
    const server = createServer((request, response) => {
      requests.push(request.url ?? '');
      response.end();
    });
    try {
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const neighbour = join(folder, 'neighbour.png');
      await writeFile(neighbour, await solid(40, 30, RED).png().toBuffer());
      const drawing = svg(
        [neighbour, pathToFileURL(neighbour).href, 'neighbour.png', './neighbour.png', `${base}/image`]
          .map((href) => `<image href="${href}" xlink:href="${href}" width="40" height="30"/>`)
          .concat(`<style>@import url("${base}/style"); rect { fill: url("${base}/paint#a") }</style>`)
          .join(''),
      );
      // By its path too: libvips alone would read files next to the SVG.
      await writeFile(join(folder, 'drawing.svg'), drawing);
      for (const source of [drawing, join(folder, 'drawing.svg')]) {
        expect(pixel(await decodeRgb(source, size(8, 6)), 4, 3)).toEqual([...WHITE]);
      }
      expect(requests).toEqual([]);
    } finally {
      server.close();
      await rm(folder, { recursive: true });
    }
  });

  it('show embedded pictures', async () => {
    const inner = (await solid(4, 4, RED).png().toBuffer()).toString('base64');
    const bytes = svg(`<image href="data:image/png;base64,${inner}" width="40" height="30"/>`);
    expect(pixel(await decodeRgb(bytes, size(8, 6)), 4, 3)).toEqual([...RED]);
  });

  it('may be in UTF-16 and have a document type', async () => {
    const text = `<?xml version="1.0" encoding="UTF-16"?><!DOCTYPE svg PUBLIC "a" "b">${svg('<rect width="40" height="30" fill="#c81e3c"/>')}`;
    const { image, rgb } = await checkAndDecode(Buffer.from(`\ufeff${text}`, 'utf16le'), size(8, 6));
    expect(image).toMatchObject({ width: 40, height: 30 });
    expect(pixel(rgb, 4, 3)).toEqual([...RED]);
  });

  it('may have a prefixed root and a long prolog', async () => {
    const text = `<!--${'x'.repeat(3000)}--><s:svg xmlns:s="http://www.w3.org/2000/svg" width="40" height="30"><s:rect width="40" height="30" fill="#c81e3c"/></s:svg>`;
    expect(pixel(await decodeRgb(Buffer.from(text), size(8, 6)), 4, 3)).toEqual([...RED]);
  });

  it('are served with headers that forbid scripts', () => {
    const headers = mediaHeaders('image/svg+xml');
    expect(headers['content-type']).toBe('image/svg+xml');
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*; sandbox$/);
  });
});
