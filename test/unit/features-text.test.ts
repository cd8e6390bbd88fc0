import { describe, expect, it } from 'vitest';
import { cosine } from '../../src/domain/vectors.js';
import { hashedNgrams, NGRAM_DIMENSION } from '../../src/features/text/ngrams.js';
import { MAX_CHARACTERS_READ, normaliseText } from '../../src/features/text/normalise.js';
import { PieceTokenizer, type PieceVocabulary } from '../../src/features/text/sentencepiece.js';

const everyWordTells = () => 1;
const grams = (text: string) => hashedNgrams(normaliseText(text), everyWordTells);
const similarity = (a: string, b: string) => cosine(grams(a), grams(b));

describe('normaliseText', () => {
  it('maps full-width characters to plain ones and white space to single spaces', () => {
    expect(normaliseText(' ｔｉｇｅｒ\u3000１２\t\n\u0000 ﬁne ')).toBe('tiger 12 fine');
  });

  it('replaces halves of surrogate pairs', () => {
    expect(normaliseText('a\ud83d b')).toBe('a b');
    expect(normaliseText('🐯')).toBe('🐯');
  });

  it('cuts long texts', () => {
    expect(normaliseText('x'.repeat(2_000_000))).toHaveLength(MAX_CHARACTERS_READ);
  });
});

describe('PieceTokenizer', () => {
  const vocabulary: PieceVocabulary = [
    ...['<unk>', '<s>', '</s>', 'x1', 'x2', 'x3'].map((piece) => [piece, 0] as const),
    ['▁', -6],
    ['▁a', -2],
    ['b', -3],
    ['▁ab', -4],
    ['c', -3],
    ['bc', -8],
    ['▁abc', -7.5],
  ];
  const tokenizer = new PieceTokenizer(vocabulary);

  it('selects the most probable pieces, not the longest', () => {
    // ▁a + b = −5 against ▁ab = −4; ▁ab + c = −7 against ▁abc = −7.5, ▁a + bc = −10 and ▁a + b + c = −8.
    expect([...tokenizer.encode('ab').ids]).toEqual([9]);
    expect([...tokenizer.encode('abc').ids]).toEqual([9, 10]);
    expect(tokenizer.encode('abc').score).toBeCloseTo(-7 / 3, 10);
  });

  it('merges adjacent unknown characters into one unknown token', () => {
    expect([...tokenizer.encode('a虎豹b 狮').ids]).toEqual([7, 0, 8, 6, 0]);
  });

  it('gives no reserved tokens, and none for white space', () => {
    expect([...tokenizer.encode('x1').ids]).toEqual([6, 0]);
    expect([...tokenizer.encode(' \n ').ids]).toEqual([]);
    expect(tokenizer.encode('').score).toBe(0);
  });

  it('gives the log probability of whole words', () => {
    expect(tokenizer.wordScore('ab')).toBe(-4);
    expect(tokenizer.wordScore('b')).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe('hashedNgrams', () => {
  it('matches inflected words, but not a part of a word with that part as a word', () => {
    expect(similarity('tigers', 'tiger')).toBeGreaterThan(0.3);
    expect(similarity('cat', 'tomcat')).toBeLessThan(similarity('cat', 'cats'));
    expect(Math.abs(similarity('tiger', 'snow'))).toBeLessThan(0.2);
  });

  it('ignores case and diacritics', () => {
    expect(grams('TÊTE DE TIGRE')).toEqual(grams('tete de tigre'));
  });

  it('uses characters and pairs for scripts without spaces', () => {
    expect(similarity('老虎', '老虎头, 森林之王')).toBeGreaterThan(0.3);
    expect(similarity('老虎', '虎老')).toBeLessThan(0.9);
    expect(similarity('雪', '下雪')).toBeGreaterThan(0.3);
    expect(similarity('iphone手机', '手机 iphone')).toBeCloseTo(1, 6);
  });

  it('weights words by their information content', () => {
    const the = (word: string) => (word === 'the' ? 0.1 : 1);
    const plain = cosine(hashedNgrams('the tiger', everyWordTells), hashedNgrams('tiger', everyWordTells));
    expect(cosine(hashedNgrams('the tiger', the), hashedNgrams('tiger', the))).toBeGreaterThan(plain);
  });

  it('counts emoji, and is zero for a text without letters, digits and emoji', () => {
    expect(grams('🐯').some((x) => x !== 0)).toBe(true);
    expect(grams('!?…')).toEqual(new Float32Array(NGRAM_DIMENSION));
  });
});
