import type { OpenedObject } from './object-store.js';

/** An image in the content-addressed store. `width` and `height` are in pixels, with the orientation applied. */
export interface StoredImage {
  /** Hex sha256 of the bytes: the media id and the file name. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  /** Size of the file. */
  readonly bytes: number;
}

/** Decoded pixels: 8-bit sRGB, interleaved, row by row, `width * height * 3` bytes. Transparency is blended with white. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** How an image is resized for an extractor. `contain` pads with white. */
export interface DecodeSize {
  readonly width: number;
  readonly height: number;
  readonly fit: 'fill' | 'cover' | 'contain';
  /** How to resample; Lanczos if absent. */
  readonly kernel?: 'nearest' | 'linear' | 'cubic' | 'lanczos3';
}

/** An image or a thumbnail of the store. Its bytes are read when a method is called. */
export interface StoredObject {
  /** Path of its file; null where it is not a local file. */
  readonly path: string | null;
  /** @throws CommonspaceError MEDIA_NOT_FOUND, MEDIA_UNREACHABLE */
  open(): Promise<OpenedObject>;
  /** All bytes in memory. @throws CommonspaceError MEDIA_NOT_FOUND, MEDIA_UNREACHABLE */
  read(): Promise<Buffer>;
}

export interface Thumbnail extends StoredObject {
  readonly mediaType: string;
}

/** An image that the store lists. */
export interface StoredFile {
  readonly sha256: string;
  /** Milliseconds since 1970. */
  readonly changedAt: number;
}
