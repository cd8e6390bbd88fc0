/** Bytes of an image: 20 MB. Uploads, base64 and downloads have the same limit. */
export const MAX_IMAGE_BYTES = 20 * 1024 * 1024;

/** Pixels of an image: width × height of the first frame or page. */
export const MAX_PIXELS = 50_000_000;

/**
 * Elements of an SVG. Rendering time grows with the elements, and libvips cannot interrupt it. The limit is well above
 * the most complex drawings in common use.
 */
export const MAX_SVG_ELEMENTS = 100_000;

/** Time limit of libvips for a picture, in seconds. It is checked between strips; see `MAX_SVG_ELEMENTS`. */
export const DECODE_SECONDS = 30;

/** Widths of thumbnails. Other widths are rounded up, so that callers cannot fill the disk with variants. */
export const THUMBNAIL_WIDTHS = [64, 128, 256, 512, 1024] as const;

/** Largest ratio of a thumbnail's height to its width: WebP allows 16383 pixels a side. */
export const THUMBNAIL_MAX_ASPECT = 4;
