/**
 * Queries made from the texts of a pair, in the forms in which people ask: the measurement of searches asks with them for the
 * pair's items. docs/evaluation.md defines the forms.
 */
import type { Random } from '../encoder/math/random.js';

export type TextForm = 'name' | 'other' | 'words' | 'typo' | 'full';

interface Caption {
  readonly text: string;
  /** BCP 47 tag, or null. */
  readonly language: string | null;
}

/** The texts of one pair. */
export interface PairTexts {
  readonly title: string | null;
  /** Language of the title and of the other names; null: that of the first caption. */
  readonly titleLanguage: string | null;
  readonly captions: readonly Caption[];
  /** Names that are not in the catalogue. */
  readonly otherNames: readonly string[];
}

export interface TextQuery {
  readonly form: TextForm;
  readonly language: string | null;
  readonly text: string;
}

const MOST_WORDS = 3;
/** A part of a caption of this many words or fewer is a tag, and not a clause. */
const TAG_WORDS = 3;
const LEAST_TAGS = 3;
/** Shorter words are mostly articles and prepositions. */
const SHORTEST_WORD = 3;
const SHORTEST_TYPO = 4;

/** One query of each form that the texts allow; the random generator decides which words, captions and letters are used. */
export function textQueries(pair: PairTexts, random: Random): TextQuery[] {
  const { title, captions } = pair;
  const named = pair.titleLanguage ?? captions[0]?.language ?? null;
  const queries: TextQuery[] = [];
  if (title !== null) queries.push({ form: 'name', language: named, text: title });
  const other = pick(
    pair.otherNames.filter((name) => hasNewWord(name, pair)),
    random,
  );
  if (other !== undefined) queries.push({ form: 'other', language: named, text: other });
  const swapped = swapLetters(title ?? longestWord(captions[0]?.text ?? ''), random);
  if (swapped !== null) queries.push({ form: 'typo', language: named, text: swapped });
  const languages = [...new Set(captions.map(({ language }) => language))];
  for (const language of languages) {
    const caption = pick(
      captions.filter((one) => one.language === language),
      random,
    );
    if (caption === undefined) continue;
    const words = someWords(caption.text, language, random);
    if (words !== null) queries.push({ form: 'words', language, text: words });
    queries.push({ form: 'full', language, text: caption.text });
  }
  return queries;
}

/** Whether a name holds a word that no caption and no title of the pair has. */
function hasNewWord(name: string, { title, captions }: PairTexts): boolean {
  const known = new Set(
    [title ?? '', ...captions.map(({ text }) => text)].flatMap((text) => wordsOf(text.toLowerCase())),
  );
  return wordsOf(name.toLowerCase()).some((word) => !known.has(word));
}

/**
 * One to three tags of a caption that is a list of tags, else one to three of its words, in their order.
 *
 * @returns null if the caption has no usable word, or would be used as a whole
 */
export function someWords(caption: string, language: string | null, random: Random): string | null {
  const tags = tagsOf(caption);
  const parts = tags ?? contentWords(caption, language);
  if (parts.length < 2) return null;
  const count = 1 + Math.floor(random.uniform() * Math.min(MOST_WORDS, parts.length - 1));
  const left = parts.map((_, index) => index);
  const chosen = Array.from(
    { length: count },
    () => left.splice(Math.floor(random.uniform() * left.length), 1)[0] as number,
  );
  const picked = chosen.sort((a, b) => a - b).map((index) => parts[index] as string);
  return picked.join(isUnspaced(caption) ? '' : ' ');
}

/** The parts of a caption between commas, if it is a list of short parts. */
function tagsOf(caption: string): string[] | null {
  const parts = caption.split(/[,;、，；]/).flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  return parts.length >= LEAST_TAGS && parts.every((part) => wordsOf(part).length <= TAG_WORDS)
    ? parts
    : null;
}

function contentWords(caption: string, language: string | null): string[] {
  const words = wordsOf(caption, language);
  const long = words.filter((word) => isUnspaced(word) || word.length >= SHORTEST_WORD);
  return [...new Set(long)];
}

function wordsOf(text: string, language: string | null = null): string[] {
  let segmenter: Intl.Segmenter;
  try {
    segmenter = new Intl.Segmenter(language ?? undefined, { granularity: 'word' });
  } catch {
    // Metadata may hold a tag that is none.
    segmenter = new Intl.Segmenter(undefined, { granularity: 'word' });
  }
  return [...segmenter.segment(text)].flatMap(({ segment, isWordLike }) => (isWordLike ? [segment] : []));
}

function longestWord(text: string): string {
  return wordsOf(text).reduce((longest, word) => (word.length > longest.length ? word : longest), '');
}

/**
 * The text with two neighbouring, different letters of one of its longest words exchanged; neither is the word's first.
 *
 * @returns null if no word is long enough
 */
export function swapLetters(text: string, random: Random): string | null {
  const at: number[] = [];
  for (const { index, 0: word } of text.matchAll(/[\p{L}\p{M}]+/gu)) {
    if (word.length < SHORTEST_TYPO || isUnspaced(word)) continue;
    for (let i = 1; i + 1 < word.length; i += 1)
      if (isLetter(word[i]) && isLetter(word[i + 1]) && word[i] !== word[i + 1]) at.push(index + i);
  }
  const index = pick(at, random);
  if (index === undefined) return null;
  return `${text.slice(0, index)}${text[index + 1]}${text[index]}${text.slice(index + 2)}`;
}

/** A letter of one UTF-16 unit: others, and marks, must not be moved alone. */
function isLetter(character: string | undefined): boolean {
  return character !== undefined && /^\p{L}$/u.test(character);
}

/** Whether a text is in a script without spaces between words. */
function isUnspaced(text: string): boolean {
  return /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u.test(text);
}

function pick<T>(values: readonly T[], random: Random): T | undefined {
  return values[Math.floor(random.uniform() * values.length)];
}
