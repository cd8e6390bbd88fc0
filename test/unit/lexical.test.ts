import { describe, expect, it } from 'vitest';
import { fold } from '../../src/domain/lexical/fold.js';
import { itemTerms } from '../../src/domain/lexical/item-terms.js';
import { stemmingLanguage } from '../../src/domain/lexical/languages.js';
import { readWords } from '../../src/domain/lexical/read-words.js';
import { nearSpellings, spellingOf, wordSimilarity } from '../../src/domain/lexical/spelling.js';

const lexemes = (text: string) =>
  Object.fromEntries(itemTerms({ title: null, text, language: null }).positions);
const units = (text: string) =>
  readWords(text).flatMap(({ kind, word }) => (kind === 'title' ? [] : [`${kind} ${word}`]));

describe('fold', () => {
  it.each([
    ['Café CAFÉ', 'cafe cafe'],
    ['ＩＭＧ＿２０４１ ﬁne', 'img_2041 fine'],
    ['Straße Łódź Æsir İstanbul', 'strasse lodz aesir istanbul'],
    ['Ёлка книгой ΛΌΓΟΣ', 'елка книгой λογοσ'],
    ['が ช้าง', 'が ช้าง'],
    ['a\ud800b', 'a b'],
  ])('%j is %j', (text, folded) => {
    expect(fold(text)).toBe(folded);
  });
});

describe('the lexemes of an item', () => {
  it('have words with their positions', () => {
    expect(lexemes('The cat, the hat')).toEqual({ the: [1, 3], cat: [2], hat: [4] });
  });

  it.each(['IMG_2041', 'img-2041', 'IMG2041', 'img 2041', 'Img.2041'])(
    'have %s whole and in parts',
    (text) => {
      expect(lexemes(text)).toEqual({ img: [1], '2041': [2], img2041: [1] });
    },
  );

  it('have compounds and codes of several parts', () => {
    expect(lexemes('an ice-cream on 2024-05-01')).toMatchObject({
      icecream: [2],
      ice: [2],
      cream: [3],
      '20240501': [5],
      on20240501: [4],
      '05': [6],
    });
    expect(lexemes('CX-77-B')).toMatchObject({ cx77b: [1], cx: [1], '77': [2], b: [3] });
  });

  it('leave the rests of elisions out', () => {
    expect(lexemes("l’éléphant's ears")).toEqual({ elephant: [1], ears: [2] });
  });

  it('have pairs of characters, and the last one, where words have no spaces', () => {
    expect(lexemes('A4大象在')).toEqual({ a: [1], '4': [2], a4: [1], 大象: [3], 象在: [4], 在: [5] });
    expect(lexemes('ネコ')).toEqual({ ネコ: [1], コ: [2] });
    // A tone mark belongs to the character before it.
    expect(lexemes('ช้าง')).toEqual({ ช้า: [1], าง: [2], ง: [3] });
  });

  it('keep phrases from reaching from the title into the text', () => {
    const { positions } = itemTerms({ title: 'red', text: 'car', language: null });
    expect([positions.get('red'), positions.get('car')]).toEqual([[1], [17]]);
  });

  it('end at the last position of a tsvector and keep later words', () => {
    const { positions } = itemTerms({ title: null, text: `${'a '.repeat(20_000)}end`, language: null });
    expect(positions.get('end')).toEqual([16_383]);
    expect(positions.get('a')?.at(-1)).toBe(16_383);
  });

  it('of an image without a title are none', () => {
    expect(itemTerms({ title: null, text: null, language: null }).positions.size).toBe(0);
  });

  it('name the words to stem', () => {
    const { language, stemmed } = itemTerms({ title: 'IMG_2041', text: 'Two dogs 大象', language: 'en-GB' });
    expect(language).toBe('en');
    expect(stemmed).toEqual(['img', 'two', 'dogs']);
  });
});

describe('the stemming language', () => {
  it.each([
    ['de-AT', 'x', 'de'],
    ['nb', 'x', 'no'],
    ['zh', 'the dog', null],
    [null, 'a dog on the beach', 'en'],
    [null, 'ein Hund und eine Katze', 'de'],
    [null, 'un chien dans la rue', 'fr'],
    [null, 'el perro y la gata con los niños', 'es'],
    [null, 'новые книги', 'ru'],
    [null, 'two dogs', 'en'],
    [null, 'häuser', null],
    [null, '大象', null],
    [null, '', null],
  ])('of %j and %j is %j', (tag, text, language) => {
    expect(stemmingLanguage(tag, text)).toBe(language);
  });
});

describe('a query', () => {
  it('has words, codes, prefixes, phrases and characters, each once', () => {
    expect(units('Red cat RED iso-9001 ele* "striped cat" 大象在 象 2041')).toEqual([
      'word red',
      'word cat',
      'code iso9001',
      'prefix ele',
      'phrase striped cat',
      'characters 大象',
      'characters 象在',
      'prefix 象',
      'word 2041',
    ]);
  });

  it('reads typographic quotes, and a quotation of one word as the word', () => {
    expect(units('“red car” «a b» „c d“ 「大象」 "x"')).toEqual([
      'phrase red car',
      'phrase a b',
      'phrase c d',
      'characters 大象',
      'word x',
    ]);
  });

  it('takes an open quotation, a lone star and a prefix of one letter as words', () => {
    expect(units('"red car * a*')).toEqual(['word red', 'word car', 'word a']);
  });

  it('has distances in a phrase as an item has them', () => {
    const [phrase] = readWords('"A4大象在河 red"');
    expect(phrase).toMatchObject({
      lexemes: [
        { lexeme: 'a', distance: 0 },
        { lexeme: '4', distance: 1 },
        { lexeme: '大象', distance: 1 },
        { lexeme: '象在', distance: 1 },
        { lexeme: '在河', distance: 1 },
        { lexeme: 'red', distance: 2 },
      ],
    });
  });

  it('ends after 32 units', () => {
    expect(readWords(Array.from({ length: 50 }, (_, n) => `${n + 1000}`).join(' ')).length).toBe(32);
  });

  it('of up to eight words is also a title', () => {
    const title = (text: string) => readWords(text).find(({ kind }) => kind === 'title')?.word;
    const titled = itemTerms({ title: 'Café  au-lait: 大象', text: null, language: null }).title;
    expect(titled).toBe('=cafe au lait 大象');
    expect(title('café au lait 大象!')).toBe(titled);
    expect(title('a b c d e f g h')).toBe('=a b c d e f g h');
    expect(title('a b c d e f g h i')).toBeUndefined();
    expect(title('象'.repeat(255))).toBe(`=${'象'.repeat(255)}`);
    expect(title('象'.repeat(256))).toBeUndefined();
  });

  it.each(['', ' \n', '!?', '\0', '\udc00', '""'])('of %j has no units', (text) => {
    expect(readWords(text)).toEqual([]);
  });
});

describe('spellings', () => {
  it('are ASCII, and null for what only matches exactly', () => {
    expect(spellingOf('elephant')).toBe('elephant');
    expect(spellingOf('книга')).toMatch(/^[a-z]{5}$/);
    expect(spellingOf('고양이')).toMatch(/^[a-z]{6,}$/);
    for (const word of ['img2041', '大象', '~en:eleph', 'ab', '']) expect(spellingOf(word)).toBeNull();
  });

  it('have neighbours by swaps and lost letters', () => {
    expect(nearSpellings('lion')).toEqual(['ilon', 'loin', 'lino']);
    expect(nearSpellings('tiger')).toContain('tier');
    expect(nearSpellings('cat')).toEqual([]);
  });

  it('of a known word are similar by trigrams, of an unknown one by corrections', () => {
    expect(wordSimilarity('elefant', 'elephant', true)).toBeCloseTo(5 / 12, 6);
    expect(wordSimilarity('elefant', 'elephant', false)).toBeCloseTo(6 / 8, 6);
    expect(wordSimilarity('gutiar', 'guitar', true)).toBeCloseTo(3 / 11, 6);
    expect(wordSimilarity('gutiar', 'guitar', false)).toBeCloseTo(5 / 6, 6);
    expect(wordSimilarity('horse', 'mouse', false)).toBeCloseTo(1 / 11, 6);
    expect(wordSimilarity('dog', 'dog', false)).toBe(1);
  });
});
