import { CommonspaceError } from '../domain/errors.js';
import { MAX_SVG_ELEMENTS } from './limits.js';

/**
 * SVGs from untrusted sources. librsvg does not run scripts. It reads files only relative to the path of a document, so it
 * always receives bytes, never a path (with a path, an SVG could show other files of the store). It receives only the root
 * element: without a document type there are no entities to expand, and without processing instructions no style sheet.
 */

/** Whether the document's root element is `svg`. A declaration, comments or a document type may precede it. */
export function looksLikeSvg(bytes: Uint8Array): boolean {
  if (!startsLikeXml(bytes)) return false;
  const text = decodeXml(bytes, false);
  return text !== null && readProlog(text) !== null;
}

/**
 * The SVG that librsvg may render: in UTF-8, starting with the root element.
 *
 * @throws CommonspaceError UNREADABLE_IMAGE for an unknown or wrong character encoding, a document type that declares
 *   entities, or more than `MAX_SVG_ELEMENTS` elements
 */
export function safeSvg(bytes: Uint8Array): Uint8Array {
  const text = decodeXml(bytes, true);
  const prolog = text === null ? null : readProlog(text);
  if (text === null || prolog === null) throw unreadable('its text is not in the declared encoding');
  if (/<!ENTITY/i.test(prolog.documentType)) {
    throw unreadable('its document type declares entities, which are not supported');
  }
  const root = text.slice(prolog.root);
  if (countElements(root) > MAX_SVG_ELEMENTS)
    throw unreadable(`it has more than ${MAX_SVG_ELEMENTS} elements`);
  // libvips detects an SVG by `<svg` near the start, so a comment adds it before a root such as <s:svg>.
  return new TextEncoder().encode(root.startsWith('<svg') ? root : `<!--<svg-->${root}`);
}

function unreadable(why: string): CommonspaceError {
  return new CommonspaceError('UNREADABLE_IMAGE', `The SVG cannot be rendered: ${why}.`);
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
    // White space, zero bytes of UTF-16, and its byte order mark.
    if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0a && byte !== 0x0d && byte !== 0) {
      if (!(at < 2 && (byte === 0xff || byte === 0xfe))) return false;
    }
  }
  return false;
}

/** Decodes an XML document by its byte order mark, its first bytes or its declared encoding; null if that fails. */
function decodeXml(bytes: Uint8Array, fatal: boolean): string | null {
  try {
    // TextDecoder removes a byte order mark.
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
  // A declaration that is readable byte by byte is not in UTF-16, even if it declares that.
  return declared === undefined || /^utf-?16/i.test(declared) ? 'utf-8' : declared;
}

interface Prolog {
  /** Offset of the root element. */
  readonly root: number;
  /** The document type declaration, or ''. */
  readonly documentType: string;
}

/** Parses the part before an `svg` root element; null if the document has no such root. */
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

/** Offset after the next `mark`, or -1. */
function after(text: string, mark: string, from: number): number {
  const at = text.indexOf(mark, from);
  return at < 0 ? -1 : at + mark.length;
}

/** Offset after a document type declaration with its internal subset, or -1. Brackets in quotes and comments do not count. */
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

/** Number of opening tags; tags inside comments count too. */
function countElements(text: string): number {
  let count = 0;
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at + 1)) {
    const next = text.charCodeAt(at + 1);
    if (next !== 0x2f && next !== 0x21 && next !== 0x3f) count += 1; // not </ <! <?
  }
  return count;
}
