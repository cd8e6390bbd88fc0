import { describe, expect, it } from 'vitest';
import { MAX_SVG_ELEMENTS } from '../../src/media/limits.js';
import { sniff } from '../../src/media/sniff.js';
import { safeSvg } from '../../src/media/svg.js';

const root = '<svg xmlns="http://www.w3.org/2000/svg"/>';
const ftyp = (...brands: string[]) =>
  Buffer.concat([
    Buffer.from([0, 0, 0, 12 + brands.length * 4]),
    Buffer.from('ftyp'),
    Buffer.from(brands[0] ?? ''),
    Buffer.alloc(4),
    Buffer.from(brands.slice(1).join('')),
  ]);

function failure(bytes: Uint8Array): { code: string; message: string } {
  try {
    return { code: sniff(bytes), message: '' };
  } catch (error) {
    return error as { code: string; message: string };
  }
}

describe('sniff: SVG by its root element', () => {
  const utf16 = (text: string, bigEndian: boolean) => {
    const bytes = Buffer.from(`\ufeff${text}`, 'utf16le');
    return bigEndian ? bytes.swap16() : bytes;
  };
  it.each<[string, string | Buffer]>([
    ['bare', root],
    ['a byte order mark', `\ufeff${root}`],
    ['a declaration', `<?xml version="1.0" encoding="UTF-8"?>\n${root}`],
    ['comments and white space', `\n  <!-- made by <svg> hand --> <!-- "' -->\n${root}`],
    ['a document type', `<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/x>y.dtd">${root}`],
    ['an internal subset', `<!DOCTYPE svg [ <!-- ]> --> <!ENTITY a "]>"> ]>${root}`],
    ['a style sheet instruction', `<?xml-stylesheet href="a.css"?>${root}`],
    ['a prefixed root', '<s:svg xmlns:s="http://www.w3.org/2000/svg"/>'],
    ['a long prolog', `<!--${'x'.repeat(5000)}-->${root}`],
    ['UTF-16, little-endian', utf16(`<?xml version="1.0" encoding="UTF-16"?>${root}`, false)],
    ['UTF-16, big-endian', utf16(root, true)],
  ])('%s', (_what, text) => {
    expect(sniff(Buffer.from(text))).toBe('image/svg+xml');
  });

  it.each([
    ['HTML that contains an SVG', `<!DOCTYPE html><html><body>${root}</body></html>`],
    ['another XML root', `<?xml version="1.0"?><gpx>${root}</gpx>`],
    ['a root whose name starts with svg', '<svgs/>'],
    ['an SVG in a comment', `<!-- ${root} -->`],
    ['an unclosed comment', `<!-- ${root}`],
    ['text before the root', `hello ${root}`],
  ])('not %s', (_what, text) => {
    expect(failure(Buffer.from(text)).code).toBe('UNSUPPORTED_MEDIA_TYPE');
  });
});

describe('sniff: binary types by their first bytes', () => {
  it.each<[string, number[] | Buffer]>([
    ['image/jpeg', [0xff, 0xd8, 0xff, 0xe0]],
    ['image/png', [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]],
    ['image/gif', Buffer.from('GIF89a')],
    ['image/gif', Buffer.from('GIF87a')],
    ['image/webp', Buffer.from('RIFF\u0001\u0000\u0000\u0000WEBPVP8 ')],
    ['image/tiff', [0x49, 0x49, 42, 0]],
    ['image/tiff', [0x4d, 0x4d, 0, 42]],
    ['image/tiff', [0x49, 0x49, 43, 0]],
    ['image/avif', ftyp('avif', 'mif1')],
    ['image/avif', ftyp('mif1', 'miaf', 'avif')],
    ['image/avif', ftyp('avis', 'msf1')],
  ])('%s', (type, bytes) => {
    expect(sniff(Buffer.from(bytes))).toBe(type);
  });

  it.each<[string, Buffer]>([
    ['HEIC', ftyp('heic', 'mif1')],
    ['video', ftyp('isom', 'mp42')],
    ['PDF', Buffer.from('%PDF-1.7')],
    ['HTML', Buffer.from('<!doctype html><title>404</title>')],
    ['BMP', Buffer.from('BM......')],
    ['not an image', Buffer.from('hello')],
    ['not an image', Buffer.from([0xff])],
    ['not an image', Buffer.from('RIFF\u0001\u0000\u0000\u0000WAVEfmt ')],
  ])('says what %s is and what is supported', (name, bytes) => {
    const { code, message } = failure(bytes);
    expect(code).toBe('UNSUPPORTED_MEDIA_TYPE');
    expect(message).toContain(name);
    expect(message).toContain('JPEG, PNG, WebP, AVIF, GIF, TIFF and SVG');
  });

  it('throws EMPTY_IMAGE for no bytes', () => {
    expect(failure(new Uint8Array()).code).toBe('EMPTY_IMAGE');
  });

  it('reads only the given part of a buffer', () => {
    const around = Buffer.concat([Buffer.from('junk'), ftyp('avif')]);
    expect(sniff(around.subarray(4))).toBe('image/avif');
  });
});

describe('safeSvg', () => {
  const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

  it('keeps only the root element', () => {
    const whole = `<?xml version="1.0"?><?xml-stylesheet href="http://a/b.css"?><!DOCTYPE svg SYSTEM "a.dtd">${root}`;
    expect(text(safeSvg(Buffer.from(whole)))).toBe(root);
  });

  it('converts to UTF-8', () => {
    const latin = Buffer.from(
      '<?xml version="1.0" encoding="iso-8859-1"?><svg><title>caf\u00e9</title></svg>',
      'latin1',
    );
    expect(text(safeSvg(latin))).toBe('<svg><title>café</title></svg>');
  });

  it.each([
    ['entities', '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><svg>&b;</svg>'],
    ['parameter entities', '<!DOCTYPE svg [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]><svg/>'],
    ['an unknown encoding', '<?xml version="1.0" encoding="klingon"?><svg/>'],
    ['too many elements', `<svg>${'<g/>'.repeat(MAX_SVG_ELEMENTS)}</svg>`],
  ])('refuses %s', (_what, document) => {
    expect(() => safeSvg(Buffer.from(document))).toThrow(
      expect.objectContaining({ code: 'UNREADABLE_IMAGE' }),
    );
  });

  it('refuses bytes that are invalid in the declared encoding', () => {
    const broken = Buffer.concat([
      Buffer.from('<svg><title>'),
      Buffer.from([0xff, 0xfe]),
      Buffer.from('</title></svg>'),
    ]);
    expect(() => safeSvg(broken)).toThrow(expect.objectContaining({ code: 'UNREADABLE_IMAGE' }));
  });
});
