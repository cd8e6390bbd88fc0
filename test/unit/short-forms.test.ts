import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/encoder/math/random.js';
import { shortForms } from '../../src/services/encoders/short-forms.js';
import { usableTitle } from '../../src/services/encoders/usable-title.js';

const forms = (caption: string, most = 4, seed = 0) => shortForms(caption, most, createRandom(seed));

describe('short forms', () => {
  it('are the same for the same seed, and others for another seed', () => {
    const caption = 'tiger, animal, big, cat, predator, zoo';
    expect(forms(caption)).toEqual(forms(caption));
    expect(forms(caption, 4, 1)).not.toEqual(forms(caption));
  });

  it('are one to three tags of a list of tags, in its order', () => {
    const tags = ['tiger', 'big cat', 'animal', 'zoo'];
    for (const form of forms(tags.join(', '), 8)) {
      const parts = form.split(', ');
      expect(parts.length).toBeLessThanOrEqual(3);
      expect(tags.filter((tag) => parts.includes(tag))).toEqual(parts);
    }
  });

  it('are successive content words of a sentence', () => {
    const caption = 'A man in a red hat is riding a horse on the beach.';
    const content = 'man red hat riding horse beach';
    const drawn = forms(caption, 8);
    expect(drawn.length).toBeGreaterThan(3);
    for (const form of drawn) {
      expect(content).toContain(form);
      expect(form.split(' ').length).toBeLessThanOrEqual(3);
    }
  });

  it('separate the words of Chinese', () => {
    const drawn = forms('一张红色汽车的图片', 6);
    expect(drawn.length).toBeGreaterThan(1);
    expect(drawn.every((form) => form.length < '一张红色汽车的图片'.length)).toBe(true);
  });

  it('differ from each other and from the caption, whatever the case', () => {
    expect(forms('tiger', 4)).toEqual([]);
    expect(forms('Tiger Tiger', 4)).toEqual(['Tiger']);
    const drawn = forms('red, Red, green, blue', 16).map((form) => form.toLowerCase());
    expect(new Set(drawn).size).toBe(drawn.length);
  });

  it.each(['', ' ', ',,,', '…', '🐅', '\ud800', 'a the of', 'x'.repeat(5000)])(
    'accept any caption: %j',
    (caption) => {
      for (const form of forms(caption)) expect(form.trim()).not.toBe('');
    },
  );

  it('are no more than asked for', () => {
    expect(forms('a, b, c, d, e, f, g, h', 2)).toHaveLength(2);
    expect(forms('a, b, c, d, e, f, g, h', 0)).toEqual([]);
  });
});

describe('a title', () => {
  it.each(['tiger', 'Boeing 747', '红色汽车', 'é́tude no. 3'])('is used if it is in words: %s', (title) => {
    expect(usableTitle(title)).toBe(true);
  });
  it.each(['', 'IMG_2041', 'ISO 9001', 'tiger.jpg', '17', 'a', '🐅', 'long '.repeat(50)])(
    'is not used if it is a file name, a code or a text: %s',
    (title) => {
      expect(usableTitle(title)).toBe(false);
    },
  );
});
