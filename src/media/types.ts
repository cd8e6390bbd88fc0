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

export interface Thumbnail {
  readonly path: string;
  readonly mediaType: string;
}
