import { CommonspaceError } from '../domain/errors.js';
import { MAX_SVG_ELEMENTS } from './limits.js';

/**
 * SVG as a picture from strangers. librsvg never runs scripts, and it reads files only relative to where a
 * document was loaded from, so documents are always handed over as bytes, never by path (by path, an SVG could show
 * its neighbours in the store). What is handed over is also reduced to the root element: without a document type
 * there are no entities to expand, without processing instructions no style sheet to fetch.
 */

/** Whether the document's root element is `svg`, whatever declaration, comments or document type stand before it. */
export function looksLikeSvg(bytes: Uint8Array): boolean {
  if (!startsLikeXml(bytes)) return false;
  const text = decodeXml(bytes, false);
  return text !== null && readProlog(text) !== null;
}

/**
 * The SVG as it may be rendered: UTF-8, from its root element on.
 *
 * @throws CommonspaceError UNREADABLE_IMAGE for an unknown or wrong character encoding, a document type that declares
 *   entities, or more than `MAX_SVG_ELEMENTS` elements
 */
export function safeSvg(bytes: Uint8Array): Uint8Array {
  const text = decodeXml(bytes, true);
  const prolog = text === null ? null : readProlog(text);
  if (text === null || prolog === null) throw unreadable('its text is not in the encoding that it states');
  if (/<!ENTITY/i.test(prolog.documentType)) {
    throw unreadable('its document type declares entities, which are not expanded; save it without them');
  }
  const root = text.slice(prolog.root);
  if (countElements(root) > MAX_SVG_ELEMENTS)
    throw unreadable(`it has more than ${MAX_SVG_ELEMENTS} elements`);
  // libvips knows an SVG by `<svg` near the start; a root such as <s:svg> gets it from a comment.
  return new TextEncoder().encode(root.startsWith('<svg') ? root : `<!--<svg-->${root}`);
}

function unreadable(why: string): CommonspaceError {
  return new CommonspaceError('UNREADABLE_IMAGE', `The SVG cannot be drawn: ${why}.`);
}

/** Whether the first character is `<`, in UTF-8 or UTF-16, after a byte order mark and white space. */
function startsLikeXml(bytes: Uint8Array): boolean {
  for (
    let at = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
    at < bytes.length;
    at += 1
  ) {
    const byte = bytes[at];
    if (byte === 0x3c) return true;
    // White space, the zero halves of UTF-16, and its byte order mark.
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0) {
      if (!(at < 2 && (byte === 0xff || byte === 0xfe))) return false;
    }
  }
  return false;
}

/** The text of an XML document by its byte order mark, its first bytes, or the encoding it declares; null if undecodable. */
function decodeXml(bytes: Uint8Array, fatal: boolean): string | null {
  try {
    // TextDecoder takes a byte order mark away itself.
    return new TextDecoder(xmlEncoding(bytes), { fatal }).decode(bytes);
  } catch {
    return null;
  }
}

function xmlEncoding(bytes: Uint8Array): string {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0x3c && b === 0)) return 'utf-16le';
  if ((a === 0xfe && b === 0xff) || (a === 0 && b === 0x3c)) return 'utf-16be';
  const head = String.fromCharCode(...bytes.subarray(0, 256));
  const declared = /^(?:\u00ef\u00bb\u00bf)?\s*<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']/.exec(
    head,
  )?.[1];
  // A declaration that could be read byte by byte is not in UTF-16, whatever it says of itself.
  return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared;
}

interface Prolog {
  /** Offset of the root element. */
  readonly root: number;
  /** The document type declaration, or ''. */
  readonly documentType: string;
}

/** What stands before an `svg` root element; null if the root is another one or there is none. */
function readProlog(text: string): Prolog | null {
  const space = /\s*/y;
  let at = 0;
  let documentType = '';
  for (;;) {
    space.lastIndex = at;
    space.exec(text);
    at = space.lastIndex;
    let end: number;
    if (text.startsWith('<?', at)) end = after(text, '?>', at + 2);
    else if (text.startsWith('<!--', at)) end = after(text, '-->', at + 4);
    else if (/^<!doctype/i.test(text.slice(at, at + 9))) {
      end = afterDocumentType(text, at);
      documentType = text.slice(at, end);
    } else
      return /^<(?:[A-Za-z_][\w.-]{0,63}:)?svg[\s/>]/.test(text.slice(at, at + 80))
        ? { root: at, documentType }
        : null;
    if (end < 0) return null;
    at = end;
  }
}

/** Offset just after the next `mark`, or -1. */
function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** Offset just after a document type declaration with its internal subset, or -1. Quotes and comments may hold brackets. */
function afterDocumentType(text: string, from: number): number {
  const token = /["'[\]>]|<!--/g;
  token.lastIndex = from;
  let depth = 0;
  for (let match = token.exec(text); match; match = token.exec(text)) {
    const mark = match[0];
    if (mark === '>' && depth === 0) return token.lastIndex;
    if (mark === '[') depth += 1;
    else if (mark === ']') depth -= 1;
    else if (mark !== '>') {
      const end = after(text, mark === '<!--' ? '-->' : mark, token.lastIndex);
      if (end < 0) return -1;
      token.lastIndex = end;
    }
  }
  return -1;
}

/** Opening tags, give or take those inside comments. */
function countElements(text: string): number {
  let count = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const next = text.charCodeAt(at + 1);
    if (next !== 0x2f && next !== 0x21 && next !== 0x3f) count += 1; // not </ <! <?
  }
  return count;
}
