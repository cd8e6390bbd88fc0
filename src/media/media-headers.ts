/**
 * Headers that the bytes of an image must be served with.
 *
 * An SVG is a document that can hold scripts, and an upload is a stranger's. The policy puts it into a sandbox of an
 * origin of its own, in which nothing runs and nothing is loaded, even when it is opened as a page; `nosniff` keeps
 * a browser from seeing HTML in any image. How long and by whom they may be kept is for the caller to add.
 */
export function mediaHeaders(mediaType: string): Readonly<Record<string, string>> {
  return {
    'content-type': mediaType,
    'x-content-type-options': 'nosniff',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox",
    'cross-origin-resource-policy': 'cross-origin',
  };
}
