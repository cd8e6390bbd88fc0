import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { CommonspaceError } from '../domain/errors.js';
import { createGate } from './gate.js';
import { DECODE_SECONDS, MAX_IMAGE_BYTES, MAX_PIXELS } from './limits.js';
import { type MediaType, sniff } from './sniff.js';
import { safeSvg } from './svg.js';
import type { DecodeSize, RgbImage } from './types.js';

// Every picture is one job on a libuv thread, and several run at once: more threads inside one job only contend
// (measured in docs/decisions/0003-media.md). Nothing is asked for twice, so libvips' cache would only hold memory.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Three of libuv's four threads: files and names must stay readable while pictures decode. A picture above 16 megapixels
 * takes two places, so that no more than one of the largest (up to 900 MB, as an AVIF) is in memory at once.
 */
const rasters = createGate(3);
const HEAVY_PIXELS = 16_000_000;
/** Drawings one at a time: a malicious one can occupy its thread for long, and must not occupy all of them. */
const drawings = createGate(1);

/**
 * `error`: pictures that are cut off, or that a decoder gives up on, are refused. The level above, `warning`, also refuses
 * what every browser shows without a word, such as the stray bytes and odd scan headers that some phones write.
 */
const FAIL_ON = 'error';

declare const checked: unique symbol;
/** Image bytes that were decoded once from the first row to the last. Only `checkImage` and `checkAndDecode` make it. */
export interface CheckedImage {
  readonly bytes: Uint8Array;
  readonly mediaType: MediaType;
  /** Pixels, after its orientation was applied. An SVG's are its own size at 72 dpi. */
  readonly width: number;
  readonly height: number;
  readonly [checked]: true;
}

/** An image as its header describes it. */
export interface ImageHeader {
  readonly mediaType: MediaType;
  /** Pixels, after its orientation was applied. */
  readonly width: number;
  readonly height: number;
}

interface Source extends ImageHeader {
  /** What libvips gets: the bytes, or the SVG made safe. */
  readonly input: Uint8Array;
}

/**
 * What the header says, without decoding: type, size in bytes, width, height and the caps on them.
 *
 * @throws CommonspaceError EMPTY_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, TOO_MANY_PIXELS, UNREADABLE_IMAGE
 */
export async function inspectImage(bytes: Uint8Array): Promise<ImageHeader> {
  const { mediaType, width, height } = await open(bytes);
  return { mediaType, width, height };
}

/**
 * Proves that an image can be decoded, whole.
 *
 * @throws CommonspaceError as `inspectImage` does; UNREADABLE_IMAGE also where a later part is missing or damaged
 */
export async function checkImage(bytes: Uint8Array): Promise<CheckedImage> {
  const source = await open(bytes);
  await prove(source);
  return asChecked(bytes, source);
}

/**
 * `checkImage` and `decodeRgb` from one decoding, which is half the work where an image is both stored and used.
 *
 * @throws CommonspaceError as `checkImage` does
 */
export async function checkAndDecode(
  bytes: Uint8Array,
  size: DecodeSize,
): Promise<{ readonly image: CheckedImage; readonly rgb: RgbImage }> {
  const source = await open(bytes);
  const rgb = await rgbOf(source, size);
  // `cover` crops, and rows below the crop need not have been read.
  if (size.fit === 'cover') await prove(source);
  return { image: asChecked(bytes, source), rgb };
}

/**
 * Decodes the first frame or page: orientation applied, converted to sRGB, transparency laid on white, 8 bits, resized.
 * Runs on libuv's threads; the event loop stays free.
 *
 * @param source the bytes, or a path to read them from
 * @returns exactly `size.width` × `size.height` pixels
 * @throws CommonspaceError as `checkImage` does; FILE_MISSING where there is no file at the path
 */
export async function decodeRgb(source: Uint8Array | string, size: DecodeSize): Promise<RgbImage> {
  return rgbOf(await open(typeof source === 'string' ? await readImageFile(source) : source), size);
}

/**
 * The bytes of an image file; a file above the cap is refused before it is read.
 *
 * @throws CommonspaceError FILE_MISSING, IMAGE_TOO_LARGE
 */
async function readImageFile(path: string): Promise<Buffer> {
  try {
    assertSize((await stat(path)).size);
    return await readFile(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw error;
    throw new CommonspaceError('FILE_MISSING', 'There is no file of this name.', [], { cause: error });
  }
}

/**
 * A WebP that fits into `width` × `height`, transparency kept, metadata (and with it where a photo was taken) left out.
 * Never larger than the image itself, except for drawings (SVG), which have no pixels to enlarge.
 */
export async function renderWebp(bytes: Uint8Array, width: number, height: number): Promise<Uint8Array> {
  const source = await open(bytes);
  const withoutEnlargement = source.mediaType !== 'image/svg+xml';
  return run(source, (image) =>
    image
      .resize({ width, height, fit: 'inside', withoutEnlargement })
      .toColourspace('srgb')
      .webp({ quality: 80, alphaQuality: 90, effort: 3 })
      .toBuffer(),
  );
}

function assertSize(bytes: number): void {
  if (bytes <= MAX_IMAGE_BYTES) return;
  throw new CommonspaceError('IMAGE_TOO_LARGE', `An image may have at most ${MAX_IMAGE_BYTES / 2 ** 20} MB.`);
}

function asChecked(bytes: Uint8Array, { mediaType, width, height }: Source): CheckedImage {
  return { bytes, mediaType, width, height } as CheckedImage;
}

async function open(bytes: Uint8Array): Promise<Source> {
  assertSize(bytes.length);
  const mediaType = sniff(bytes);
  const input = mediaType === 'image/svg+xml' ? safeSvg(bytes) : bytes;
  const header = await sharp(input, { failOn: FAIL_ON, limitInputPixels: false })
    .metadata()
    .catch((error: unknown) => {
      throw unreadable(mediaType, error);
    });
  if (header.width * header.height > MAX_PIXELS)
    throw tooManyPixels(`${header.width} × ${header.height} pixels`);
  return { mediaType, input, width: header.autoOrient.width, height: header.autoOrient.height };
}

/** Reads every row and keeps next to nothing: measured at a tenth of the time of statistics, a hundredth of the memory of pixels. */
async function prove(source: Source): Promise<void> {
  await run(source, (image) => image.resize({ width: 8, height: 8, fit: 'fill' }).raw().toBuffer());
}

async function rgbOf(source: Source, { width, height, fit }: DecodeSize): Promise<RgbImage> {
  const { data, info } = await run(source, (image) =>
    image
      .resize({ width, height, fit, background: '#ffffff' })
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true }),
  );
  if (info.channels !== 3 || info.width !== width || info.height !== height) {
    throw new Error(`decoding gave ${info.width} × ${info.height} × ${info.channels}`);
  }
  return { data, width, height };
}

/** The one place where libvips decodes: limits, orientation, turn-taking and the meaning of its failures. */
async function run<T>(source: Source, work: (image: Sharp) => Promise<T>): Promise<T> {
  const options: SharpOptions = { failOn: FAIL_ON, limitInputPixels: MAX_PIXELS, autoOrient: true };
  const job = () => work(sharp(source.input, options).timeout({ seconds: DECODE_SECONDS }));
  try {
    if (source.mediaType === 'image/svg+xml') return await drawings.run(1, job);
    return await rasters.run(source.width * source.height > HEAVY_PIXELS ? 2 : 1, job);
  } catch (error) {
    throw unreadable(source.mediaType, error);
  }
}

function tooManyPixels(found: string): CommonspaceError {
  const limit = `${MAX_PIXELS / 1e6} megapixels`;
  return new CommonspaceError('TOO_MANY_PIXELS', `The image has ${found}; at most ${limit} are taken.`);
}

/** libvips' own words are kept (its first line, which names no path: input is always bytes). */
function unreadable(mediaType: MediaType, error: unknown): CommonspaceError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('exceeds pixel limit')) return tooManyPixels('too many pixels');
  const detail = message.split('\n', 1)[0]?.trim().slice(0, 200) ?? '';
  const name = mediaType.slice('image/'.length).replace('+xml', '').toUpperCase();
  return new CommonspaceError(
    'UNREADABLE_IMAGE',
    detail.startsWith('timeout')
      ? `The ${name} cannot be decoded within ${DECODE_SECONDS} seconds.`
      : `The ${name} cannot be decoded: it is cut off or damaged (${detail}).`,
    [],
    { cause: error },
  );
}
