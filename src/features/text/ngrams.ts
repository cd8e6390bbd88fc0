/** Length of the hashed n-gram vector. */
export const NGRAM_DIMENSION = 512;

/** Scripts without spaces between words. In these a character carries much of a word's meaning. */
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const WORD = /[\p{L}\p{M}\p{N}]+|\p{Extended_Pictographic}/gu;
/** Marks both ends of a word, so that the end of `tomcat` differs from the word `cat`. */
const EDGE = '_';
const GRAM = 3;
/** Weight of a whole word relative to its n-grams. */
const WHOLE_WORD_WEIGHT = 2;

/** Information content of a word, 0 to 1: low for `the`, 1 for an unknown word. */
export type Informativeness = (word: string) => number;

interface Gram {
  times: number;
  weight: number;
}

/**
 * A text's character n-grams, hashed with signs into a vector of fixed length (Weinberger et al., ICML 2009). Each n-gram has
 * the value 1 + log(count). A word of a spaced script gives the word and its 3-grams, including those at its edges, weighted
 * by the word's information content. A run of an unspaced script gives its characters and pairs of neighbours. Case and
 * diacritics are ignored.
 *
 * @param text in NFKC, from `normaliseText`.
 * @returns [NGRAM_DIMENSION], not normalised; zero for a text without letters, digits and emoji.
 */
export function hashedNgrams(text: string, informativeness: Informativeness): Float32Array {
  const grams = new Map<string, Gram>();
  const count = (gram: string, weight: number): void => {
    const known = grams.get(gram);
    if (known === undefined) grams.set(gram, { times: 1, weight });
    else {
      known.times += 1;
      known.weight = Math.max(known.weight, weight);
    }
  };
  for (const [word] of stripCaseAndMarks(text).matchAll(WORD)) {
    for (const run of splitByScript(word)) {
      if (UNSPACED.test(run)) countCharacters(run, count);
      else countWord(run, informativeness(run), count);
    }
  }
  const out = new Float32Array(NGRAM_DIMENSION);
  for (const [gram, { times, weight }] of grams) {
    const hash = hash32(gram);
    const index = hash % NGRAM_DIMENSION;
    const sign = hash >>> 31 === 0 ? 1 : -1;
    out[index] = (out[index] as number) + sign * weight * (1 + Math.log(times));
  }
  return out;
}

function countCharacters(run: string, count: (gram: string, weight: number) => void): void {
  let before = '';
  for (const character of run) {
    count(character, 1);
    if (before !== '') count(before + character, 1);
    before = character;
  }
}

function countWord(word: string, weight: number, count: (gram: string, weight: number) => void): void {
  count(EDGE + word + EDGE, WHOLE_WORD_WEIGHT * weight);
  const edged = [EDGE, ...word, EDGE];
  if (edged.length <= GRAM) return;
  for (let i = 0; i + GRAM <= edged.length; i += 1) count(edged.slice(i, i + GRAM).join(''), weight);
}

/** Splits a word where the script changes between spaced and unspaced: `iphone手机` has two runs. */
function splitByScript(word: string): string[] {
  const runs: string[] = [];
  let unspaced: boolean | null = null;
  for (const character of word) {
    const now = UNSPACED.test(character);
    if (now === unspaced) runs[runs.length - 1] += character;
    else runs.push(character);
    unspaced = now;
  }
  return runs;
}

/** Lower case without diacritics, because queries are often typed without them. */
function stripCaseAndMarks(text: string): string {
  return text
    .toLowerCase()
    .normalize('NFKD')
    .replace(/\p{Mn}+/gu, '')
    .normalize('NFC');
}

/** FNV-1a over UTF-16 units with murmur3's final mix; unsigned 32 bits, independent of the platform. */
function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
