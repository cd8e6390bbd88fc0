/** An image in the content-addressed store. `width` and `height` are in pixels, after its orientation was applied. */
export interface StoredImage {
  /** Hex sha256 of the bytes: the media id, and the name they are stored under. */
  readonly sha256: string;
  readonly mediaType: string;
  readonly width: number;
  readonly height: number;
  /** Size of the bytes. */
  readonly bytes: number;
}

/** Decoded pixels: 8-bit sRGB, interleaved, row by row, `width * height * 3` bytes; no alpha (it was laid on white). */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** How an image is brought to the size an extractor wants. `contain` pads with white. */
export interface DecodeSize {
  readonly width: number;
  readonly height: number;
  readonly fit: 'fill' | 'cover' | 'contain';
}

export interface Thumbnail {
  readonly path: string;
  readonly mediaType: string;
}
