/**
 * Headers for serving the bytes of an image.
 *
 * Uploads are not trusted, and an SVG can contain scripts. The policy puts it into a sandbox with an origin of its own,
 * without scripts and without loading, even if it is opened as a page. With `nosniff`, browsers do not interpret an image
 * as HTML. The caller adds the cache headers.
 */
export function mediaHeaders(mediaType: string): Readonly<Record<string, string>> {
  return {
    'content-type': mediaType,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
  };
}
