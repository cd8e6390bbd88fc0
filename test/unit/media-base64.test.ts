import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../src/media/base64.js';
import { MAX_IMAGE_BYTES } from '../../src/media/limits.js';

const failing = (text: string) => {
  try {
    decodeBase64(text, ['input', 'imageBase64']);
  } catch (error) {
    return error as { code: string; field: readonly string[] };
  }
  return { code: 'no error', field: [] };
};

describe('decodeBase64', () => {
  const bytes = Buffer.from([0, 255, 254, 62, 63, 128, 7]);
  const base64 = bytes.toString('base64');

  it.each([
    ['plain', base64],
    ['a data: URL', `data:image/png;base64,${base64}`],
    ['a data: URL with parameters, in capitals', `DATA:image/svg+xml;charset=utf-8;BASE64,${base64}`],
    ['a data: URL without a type', `data:;base64,${base64}`],
    ['line breaks', `\n${base64.slice(0, 4)}\r\n\t ${base64.slice(4)} \n`],
  ])('takes %s', (_what, text) => {
    expect(decodeBase64(text).equals(bytes)).toBe(true);
  });

  it('decodes inputs of every length', () => {
    for (let length = 1; length < 10; length += 1) {
      const some = Buffer.from(Array.from({ length }, (_, i) => i * 29));
      expect(decodeBase64(some.toString('base64')).equals(some)).toBe(true);
    }
  });

  it.each([
    ['a character outside the alphabet', 'AAAA*AAA'],
    ['the URL alphabet', '_-8='],
    ['missing padding', 'AAA'],
    ['padding in the middle', 'AA==AAAA'],
    ['too much padding', 'A==='],
    ['a character whose low byte is in the alphabet', '\u0141AAA'],
    ['a data: URL in another encoding', 'data:image/svg+xml,<svg/>'],
    ['a file name', 'picture.png'],
  ])('refuses %s', (_what, text) => {
    expect(failing(text)).toMatchObject({ code: 'BAD_BASE64', field: ['input', 'imageBase64'] });
  });

  it.each(['', ' \n', 'data:image/png;base64,'])('throws EMPTY_IMAGE for %j', (text) => {
    expect(failing(text).code).toBe('EMPTY_IMAGE');
  });

  it('refuses an input that is too large before it decodes it', () => {
    expect(failing('*'.repeat((Math.ceil(MAX_IMAGE_BYTES / 3) + 1) * 4)).code).toBe('IMAGE_TOO_LARGE');
    expect(failing(' '.repeat(MAX_IMAGE_BYTES * 3)).code).toBe('IMAGE_TOO_LARGE');
  });

  it('accepts the largest allowed image', () => {
    expect(decodeBase64(Buffer.alloc(MAX_IMAGE_BYTES).toString('base64')).length).toBe(MAX_IMAGE_BYTES);
  });
});
