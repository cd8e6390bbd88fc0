import { describe, expect, it } from 'vitest';
import { createRandom } from '../../src/encoder/math/random.js';
import { someWords, swapLetters, textQueries } from '../../src/evaluation/query-forms.js';

const seeds = Array.from({ length: 40 }, (_, seed) => seed);

describe('the forms of queries', () => {
  it('are made of the title, the captions and other names, once for each language', () => {
    const queries = textQueries(
      {
        title: 'tiger face',
        titleLanguage: null,
        captions: [
          { text: 'tiger face, animal, big, cat', language: 'en' },
          { text: '老虎脸, 动物, 大, 猫', language: 'zh' },
        ],
        otherNames: ['tiger', 'striped cat'],
      },
      createRandom(1),
    );
    expect(queries.map(({ form, language }) => `${form} ${language}`)).toEqual([
      'name en',
      'other en',
      'typo en',
      'words en',
      'full en',
      'words zh',
      'full zh',
    ]);
    expect(queries[0]?.text).toBe('tiger face');
    // The other one has no word that the caption lacks.
    expect(queries[1]?.text).toBe('striped cat');
    expect(queries[4]?.text).toBe('tiger face, animal, big, cat');
    expect(queries[6]?.text).toBe('老虎脸, 动物, 大, 猫');
  });

  it('of a pair without a title have no name, and a misspelt word of the caption', () => {
    const captions = [{ text: 'a red bicycle', language: null }];
    const queries = textQueries(
      { title: null, titleLanguage: null, captions, otherNames: [] },
      createRandom(1),
    );
    expect(queries.map(({ form }) => form)).toEqual(['typo', 'words', 'full']);
    expect([...(queries[0]?.text ?? '')].sort().join('')).toBe([...'bicycle'].sort().join(''));
    expect(queries[0]?.text).not.toBe('bicycle');
  });

  it('of a pair without texts are none', () => {
    const nothing = { title: null, titleLanguage: null, captions: [], otherNames: [] };
    expect(textQueries(nothing, createRandom(1))).toEqual([]);
  });

  it('are the same for the same seed', () => {
    const pair = {
      title: 'fire engine',
      titleLanguage: null,
      captions: [{ text: 'fire engine, red, truck, siren', language: null }],
      otherNames: ['tender', 'appliance'],
    };
    expect(textQueries(pair, createRandom(5))).toEqual(textQueries(pair, createRandom(5)));
  });
});

describe('words of a caption', () => {
  it('are one to three tags in their order, and never all of them', () => {
    const tags = ['tiger face', 'animal', 'cat'];
    const lengths = new Set<number>();
    for (const seed of seeds) {
      const made = someWords(tags.join(', '), 'en', createRandom(seed)) ?? '';
      const found = tags.filter((tag) => made.includes(tag));
      expect(found.join(' ')).toBe(made);
      lengths.add(found.length);
    }
    expect([...lengths].sort()).toEqual([1, 2]);
  });

  it('of a sentence are words of three letters or more', () => {
    for (const seed of seeds) {
      const made = someWords('A man on a red bike', 'en', createRandom(seed)) ?? '';
      expect(made.split(' ').every((word) => ['man', 'red', 'bike'].includes(word))).toBe(true);
    }
  });

  it('of a script without spaces are joined without any', () => {
    for (const seed of seeds) {
      const made = someWords('一张老虎的图片', 'zh', createRandom(seed)) ?? '';
      expect(made).not.toBe('');
      expect(made).not.toContain(' ');
      expect('一张老虎的图片').not.toBe(made);
    }
  });

  it('are none of a caption of one word, and a tag that is no language is ignored', () => {
    expect(someWords('tiger', 'en', createRandom(1))).toBeNull();
    expect(someWords('', null, createRandom(1))).toBeNull();
    expect(someWords('red bike', 'not a language', createRandom(1))).toMatch(/^(red|bike)$/);
  });
});

describe('swapped letters', () => {
  it('exchange two neighbouring letters that differ, behind the first of a word', () => {
    for (const seed of seeds) {
      const made = swapLetters('red balloon', createRandom(seed)) ?? '';
      const changed = [...made].flatMap((letter, i) => (letter === 'red balloon'[i] ? [] : [i]));
      expect(changed).toHaveLength(2);
      expect((changed[1] ?? 0) - (changed[0] ?? 0)).toBe(1);
      // Of «red», which is short, and of the first letter nothing changes.
      expect(made.slice(0, 5)).toBe('red b');
    }
  });

  it('are none without a word of four letters, or in a script without letters to swap', () => {
    for (const text of ['a cat', '', 'aaaa', '老虎动物', '12345'])
      expect(swapLetters(text, createRandom(1))).toBeNull();
  });
});
