import { readFile, stat } from 'node:fs/promises';
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { CommonspaceError } from '../domain/errors.js';
import { timeStage } from '../domain/observations.js';
import { HASHED_SIZE } from '../domain/perceptual-hash.js';
import { createGate } from '../platform/gate.js';
import { DECODE_SECONDS, MAX_IMAGE_BYTES, MAX_PIXELS } from './limits.js';
import { pictureMemory } from './picture-memory.js';
import { type MediaType, sniff } from './sniff.js';
import { safeSvg } from './svg.js';
import type { DecodeSize, RgbImage } from './types.js';

// Each picture is one job on a libuv thread, and several jobs run at once, so more threads inside a job do not help
// (measured in docs/decisions/0003-media.md). No operation is repeated, so libvips' cache would only use memory.
sharp.concurrency(1);
sharp.cache(false);

/**
 * Uses three of libuv's four threads, because file access and DNS lookups need one. A picture above 16 megapixels takes
 * two units of the capacity, so at most one such picture (up to 900 MB, as an AVIF) is in memory at once.
 */
const rasters = createGate(3);
const HEAVY_PIXELS = 16_000_000;
/** SVGs are rendered one at a time: a malicious one can occupy its thread for long. */
const drawings = createGate(1);

/** How many pictures wait to be decoded. */
export function decodersWaiting(): number {
  return rasters.waiting + drawings.waiting;
}

/**
 * `error` refuses truncated pictures and those that the decoder cannot finish. `warning` would also refuse pictures that
 * browsers show, such as those of some phones with stray bytes or unusual scan headers.
 */
const FAIL_ON = 'error';

declare const checked: unique symbol;
/** Image bytes that were decoded completely. Only `checkImage` and `checkAndDecode` create it. */
export interface CheckedImage {
  readonly bytes: Uint8Array;
  readonly mediaType: MediaType;
  /** Pixels, with the orientation applied. For an SVG: its size at 72 dpi. */
  readonly width: number;
  readonly height: number;
  readonly [checked]: true;
}

/** The header of an image. */
export interface ImageHeader {
  readonly mediaType: MediaType;
  /** Pixels, with the orientation applied. */
  readonly width: number;
  readonly height: number;
}

interface Source extends ImageHeader {
  /** Input of libvips: the bytes, or the sanitised SVG. */
  readonly input: Uint8Array;
}

/**
 * Reads the header without decoding, and checks the limits on bytes and pixels.
 *
 * @throws CommonspaceError EMPTY_IMAGE, IMAGE_TOO_LARGE, UNSUPPORTED_MEDIA_TYPE, TOO_MANY_PIXELS, UNREADABLE_IMAGE
 */
export async function inspectImage(bytes: Uint8Array): Promise<ImageHeader> {
  const { mediaType, width, height } = await open(bytes);
  return { mediaType, width, height };
}

/**
 * Checks that an image can be decoded completely.
 *
 * @throws CommonspaceError as `inspectImage` does; UNREADABLE_IMAGE also if a later part is missing or damaged
 */
export async function checkImage(bytes: Uint8Array): Promise<CheckedImage> {
  const source = await open(bytes);
  await assertDecodable(source);
  return asChecked(bytes, source);
}

/**
 * Checks an image that is stored and used, and decodes it to `size` and to the size of perceptual hashes.
 *
 * @throws CommonspaceError as `checkImage` does
 */
export async function checkAndDecode(
  bytes: Uint8Array,
  size: DecodeSize,
): Promise<{ readonly image: CheckedImage; readonly rgb: RgbImage; readonly hashed: RgbImage }> {
  const source = await open(bytes);
  const rgb = await rgbOf(source, size);
  // `cover` crops, and the decoder may not read the rows below the crop. This reads every row.
  const hashed = await rgbOf(source, HASHED_SIZE);
  return { image: asChecked(bytes, source), rgb, hashed };
}

/**
 * Decodes the first frame or page: applies the orientation, converts to 8-bit sRGB, blends transparency with white, resizes.
 * Runs on libuv's threads and does not block the event loop.
 *
 * @param source the bytes, or a path to read them from, as `withImageFile` does
 * @returns exactly `size.width` × `size.height` pixels
 * @throws CommonspaceError as `checkImage` does; FILE_MISSING if there is no file at the path
 */
export async function decodeRgb(source: Uint8Array | string, size: DecodeSize): Promise<RgbImage> {
  const decode = async (bytes: Uint8Array) => rgbOf(await open(bytes), size);
  return typeof source === 'string' ? await withImageFile(source, decode) : await decode(source);
}

/**
 * Reads an image file for `work`. The size is checked first, and the bytes are read when there is room for them in
 * `pictureMemory`: `work` must not read another one.
 *
 * @throws CommonspaceError FILE_MISSING, IMAGE_TOO_LARGE, CANCELLED
 */
export async function withImageFile<T>(
  path: string,
  work: (bytes: Buffer) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const { size } = await missingAsError(stat(path));
  assertSize(size);
  return await pictureMemory.run(size, async () => work(await missingAsError(readFile(path))), signal);
}

async function missingAsError<T>(file: Promise<T>): Promise<T> {
  try {
    return await file;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR' && code !== 'EISDIR') throw error;
    throw new CommonspaceError('FILE_MISSING', 'There is no file of this name.', [], { cause: error });
  }
}

/**
 * A WebP that fits into `width` × `height`. It keeps transparency and drops metadata, including the location of a photo.
 * Raster images are not enlarged; SVGs are.
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

/** Decodes every row into an 8 × 8 image: a tenth of the time of `stats`, a hundredth of the memory of all pixels (measured). */
async function assertDecodable(source: Source): Promise<void> {
  await run(source, (image) => image.resize({ width: 8, height: 8, fit: 'fill' }).raw().toBuffer());
}

async function rgbOf(source: Source, { width, height, fit, kernel }: DecodeSize): Promise<RgbImage> {
  const { data, info } = await run(source, (image) =>
    image
      .resize({ width, height, fit, background: '#ffffff', ...(kernel && { kernel }) })
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

/** Runs a job of libvips with the limits, the orientation and the gates, and maps its errors. All decoding goes through here. */
async function run<T>(source: Source, work: (image: Sharp) => Promise<T>): Promise<T> {
  const options: SharpOptions = { failOn: FAIL_ON, limitInputPixels: MAX_PIXELS, autoOrient: true };
  const job = () =>
    timeStage('decode', () => work(sharp(source.input, options).timeout({ seconds: DECODE_SECONDS })));
  try {
    if (source.mediaType === 'image/svg+xml') return await drawings.run(1, job);
    return await rasters.run(source.width * source.height > HEAVY_PIXELS ? 2 : 1, job);
  } catch (error) {
    throw unreadable(source.mediaType, error);
  }
}

function tooManyPixels(found: string): CommonspaceError {
  const limit = `${MAX_PIXELS / 1e6} megapixels`;
  return new CommonspaceError('TOO_MANY_PIXELS', `The image has ${found}; the limit is ${limit}.`);
}

/** Contains the first line of libvips' message. It names no path, because the input is always bytes. */
function unreadable(mediaType: MediaType, error: unknown): CommonspaceError {
  const message = error instanceof Error ? error.message : String(error);
  if (message.includes('exceeds pixel limit')) return tooManyPixels('too many pixels');
  const detail = message.split('\n', 1)[0]?.trim().slice(0, 200) ?? '';
  const name = mediaType.slice('image/'.length).replace('+xml', '').toUpperCase();
  return new CommonspaceError(
    'UNREADABLE_IMAGE',
    detail.startsWith('timeout')
      ? `The ${name} cannot be decoded within ${DECODE_SECONDS} seconds.`
      : `The ${name} cannot be decoded: it is truncated or damaged (${detail}).`,
    [],
    { cause: error },
  );
}
