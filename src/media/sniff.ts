import { CommonspaceError } from '../domain/errors.js';
import { looksLikeSvg } from './svg.js';

/** Supported types, the common ones first. */
const MEDIA_TYPES = [
  'image/jpeg',
  'image/png',
  'image/webp',
  'image/avif',
  'image/gif',
  'image/tiff',
  'image/svg+xml',
] as const;
export type MediaType = (typeof MEDIA_TYPES)[number];

const SUPPORTED = 'JPEG, PNG, WebP, AVIF, GIF, TIFF and SVG';

/**
 * Detects the media type from the bytes. File names and headers of the sender are not used.
 *
 * @throws CommonspaceError EMPTY_IMAGE for no bytes, UNSUPPORTED_MEDIA_TYPE for all types outside `MEDIA_TYPES`
 */
export function sniff(bytes: Uint8Array): MediaType {
  if (bytes.length === 0) throw new CommonspaceError('EMPTY_IMAGE', 'The image has no bytes.');
  const found = sniffBinary(bytes) ?? (looksLikeSvg(bytes) ? 'image/svg+xml' : null);
  if (found) return found;
  const seen = nameOfOther(bytes);
  throw new CommonspaceError(
    'UNSUPPORTED_MEDIA_TYPE',
    `${seen ? `This is ${seen}` : 'The bytes are not an image of a known type'}; ${SUPPORTED} are supported.`,
  );
}

function sniffBinary(bytes: Uint8Array): MediaType | null {
  if (startsWith(bytes, [0xff, 0xd8, 0xff])) return 'image/jpeg';
  if (startsWith(bytes, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])) return 'image/png';
  const head = ascii(bytes, 0, 12);
  if (head.startsWith('GIF87a') || head.startsWith('GIF89a')) return 'image/gif';
  if (head.startsWith('RIFF') && head.endsWith('WEBP')) return 'image/webp';
  if (isTiff(bytes)) return 'image/tiff';
  if (fileTypeBrands(bytes).some((brand) => brand === 'avif' || brand === 'avis')) return 'image/avif';
  return null;
}

/** A byte order mark, then 42 (TIFF) or 43 (BigTIFF) in that byte order. */
function isTiff(bytes: Uint8Array): boolean {
  const [a, b, c, d] = bytes;
  if (a === 0x49 && b === 0x49) return (c === 42 || c === 43) && d === 0;
  return a === 0x4d && b === 0x4d && c === 0 && (d === 42 || d === 43);
}

/** The brands in the `ftyp` box of an ISO base media file, the major brand first; empty for other files. */
function fileTypeBrands(bytes: Uint8Array): string[] {
  if (bytes.length < 16 || ascii(bytes, 4, 8) !== 'ftyp') return [];
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  const brands = [ascii(bytes, 8, 12)];
  // The four bytes after the major brand are its version. Files list far fewer than a hundred brands.
  for (let at = 16; at + 4 <= Math.min(size, bytes.length, 416); at += 4)
    brands.push(ascii(bytes, at, at + 4));
  return brands;
}

/** The name of a common unsupported type, for the error message. */
function nameOfOther(bytes: Uint8Array): string | null {
  const head = ascii(bytes, 0, 16);
  if (fileTypeBrands(bytes).some((brand) => /^(heic|heix|hevc|hevx|heim|heis)$/.test(brand)))
    return 'a HEIC image';
  if (head.slice(4, 8) === 'ftyp') return 'a video or another ISO media file';
  if (head.startsWith('BM')) return 'a BMP image';
  if (head.startsWith('%PDF-')) return 'a PDF';
  if (head.startsWith('8BPS')) return 'a Photoshop document';
  if (head.startsWith('PK\u0003\u0004')) return 'a ZIP archive';
  if (startsWith(bytes, [0x1f, 0x8b])) return 'gzip-compressed';
  if (startsWith(bytes, [0xff, 0x0a]) || head.slice(4, 8) === 'JXL ') return 'a JPEG XL image';
  if (startsWith(bytes, [0, 0, 1, 0])) return 'an ICO image';
  if (/^\s*<(!doctype html|html|head|body)/i.test(head)) return 'an HTML page';
  return null;
}

function startsWith(bytes: Uint8Array, magic: readonly number[]): boolean {
  return magic.every((byte, at) => bytes[at] === byte);
}

function ascii(bytes: Uint8Array, from: number, to: number): string {
  return String.fromCharCode(...bytes.subarray(from, to));
}
