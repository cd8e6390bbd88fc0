import { fold } from './fold.js';

/**
 * The pieces of a text that can be searched for: runs of words and codes, and runs of characters in scripts that put no
 * spaces between words. The rules are here and not in Postgres' parser, whose result depends on the locale.
 */
export type Run = WordRun | CharacterRun;

/** Words that nothing but single marks (`-`, `_`, `.`, `/`) connect: «house», «ice-cream», «IMG_2041», «2024-05-01». */
interface WordRun {
  readonly kind: 'words';
  /** Each word is cut where letters and digits meet: «img2041» has the parts «img» and «2041». */
  readonly words: readonly { readonly word: string; readonly parts: readonly string[] }[];
  /** All words without the marks; null where that is the only word, or where it is too long to be a name or code. */
  readonly joined: string | null;
  /** Whether only white space separates it from the run before. */
  readonly afterSpace: boolean;
}

/** Characters with their combining marks: «大象», «ช้าง». */
interface CharacterRun {
  readonly kind: 'characters';
  readonly characters: readonly string[];
}

/** A longer word is cut; a longer compound is not joined. */
const LONGEST_WORD = 64;
const MOST_JOINED = 8;

const UNSPACED =
  '\\p{scx=Han}\\p{scx=Hiragana}\\p{scx=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Khmer}\\p{Script=Myanmar}';
const PIECE = new RegExp(
  `((?:(?=[\\p{L}\\p{M}])[${UNSPACED}])+)|((?:(?![${UNSPACED}])[\\p{L}\\p{N}](?:(?![${UNSPACED}])\\p{M})*)+)`,
  'gu',
);
const CHARACTER = /\P{M}\p{M}*|\p{M}+/gu;
const PART = /\p{N}+|\P{N}+/gu;
const CONNECTS = /^[-_./‐‑]$/;

export function scan(text: string): Run[] {
  const folded = fold(text);
  const runs: Run[] = [];
  let open: { words: WordRun['words'][number][]; afterSpace: boolean } | null = null;
  const close = () => {
    if (open !== null) runs.push(wordRun(open.words, open.afterSpace));
    open = null;
  };
  let end = 0;
  for (const match of folded.matchAll(PIECE)) {
    const between = folded.slice(end, match.index);
    const before = folded[match.index - 1];
    end = match.index + match[0].length;
    if (match[1] !== undefined) {
      close();
      runs.push({ kind: 'characters', characters: match[1].match(CHARACTER) ?? [] });
      continue;
    }
    // The rest of an elision: «dog's», «l'éléphant».
    if (match[0].length === 1 && (isApostrophe(before) || isApostrophe(folded[end]))) continue;
    const word = cut(match[0]);
    const piece = { word, parts: word.match(PART) ?? [word] };
    if (open !== null && CONNECTS.test(between)) {
      open.words.push(piece);
      continue;
    }
    close();
    open = { words: [piece], afterSpace: /^\s+$/.test(between) };
  }
  close();
  return runs;
}

function wordRun(words: WordRun['words'], afterSpace: boolean): WordRun {
  const joined = words.map(({ word }) => word).join('');
  const whole = words.length > 1 && words.length <= MOST_JOINED && joined.length <= LONGEST_WORD;
  return { kind: 'words', words, joined: whole ? joined : null, afterSpace };
}

function isApostrophe(character: string | undefined): boolean {
  return character === "'" || character === '’';
}

function cut(word: string): string {
  return word.length <= LONGEST_WORD ? word : word.slice(0, LONGEST_WORD).replace(/[\uD800-\uDBFF]$/, '');
}

/** Whether a character is of a script without spaces between words. */
export function isUnspaced(character: string): boolean {
  return UNSPACED_CHARACTER.test(character);
}
const UNSPACED_CHARACTER = new RegExp(`[${UNSPACED}]`, 'u');

export function hasDigit(word: string): boolean {
  return /\p{N}/u.test(word);
}
