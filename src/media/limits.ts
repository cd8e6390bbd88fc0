/** Bytes an image may have, whichever way it came: 20 MB. Base64 and downloads are cut off at the same figure. */
export const MAX_IMAGE_BYTES = 20 * 1024 * 1024;

/** Pixels (width × height of what is decoded: the first frame or page) an image may have. */
export const MAX_PIXELS = 50_000_000;

/**
 * Elements an SVG may have. Drawing takes time per element and cannot be interrupted inside libvips, so the
 * count is what bounds it; the most intricate drawings people publish stay well below.
 */
export const MAX_SVG_ELEMENTS = 100_000;

/** Seconds after which libvips gives up on a picture (between strips of it; see `MAX_SVG_ELEMENTS`). */
export const DECODE_SECONDS = 30;

/** Widths thumbnails come in. Any other is rounded up, so that callers cannot fill the disk with variants. */
export const THUMBNAIL_WIDTHS = [64, 128, 256, 512, 1024] as const;

/** A thumbnail is at most this many times as high as its width step: WebP ends at 16383 pixels a side. */
export const THUMBNAIL_MAX_ASPECT = 4;
