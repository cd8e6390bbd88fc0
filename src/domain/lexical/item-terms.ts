import { type StemmedLanguage, stemmingLanguage } from './languages.js';
import { hasDigit, isUnspaced, type Run, scan } from './scan.js';
import { titleLexeme } from './whole-title.js';

/** The words of an item, before stems are added. */
export interface ItemTerms {
  /** Positions of each lexeme, ascending; a phrase is a sequence of positions. */
  readonly positions: ReadonlyMap<string, readonly number[]>;
  readonly language: StemmedLanguage | null;
  /** Words to reduce to stems, each once. Empty if `language` is null. */
  readonly stemmed: readonly string[];
  /** The lexeme of the whole title; null without a title and for a long one. */
  readonly title: string | null;
}

export interface ItemWords {
  readonly title: string | null;
  readonly text: string | null;
  /** BCP 47 tag, or null. */
  readonly language: string | null;
}

/** A phrase does not reach from the title into the text. */
const GAP = 16;
/** The largest position that a tsvector holds. A lexeme that occurs further on only is stored at this position. */
const LAST_POSITION = 16_383;
const SHORTEST_STEMMED = 3;

/** The lexemes of an item's title and text; docs/decisions/0016-lexical-evidence.md. */
export function itemTerms({ title, text, language: tag }: ItemWords): ItemTerms {
  const positions = new Map<string, number[]>();
  const plain = new Set<string>();
  let next = 1;
  for (const part of [title, text]) {
    if (part === null) continue;
    let end = next;
    for (const { lexeme, position } of lexemesOf(scan(part))) {
      const at = Math.min(next + position, LAST_POSITION);
      const found = positions.get(lexeme);
      if (found === undefined) positions.set(lexeme, [at]);
      else if (found.at(-1) !== at) found.push(at);
      if (lexeme.length >= SHORTEST_STEMMED && !hasDigit(lexeme) && !isUnspaced(lexeme)) plain.add(lexeme);
      end = Math.max(end, at);
    }
    next = end + GAP;
  }
  const language = stemmingLanguage(tag, `${title ?? ''} ${text ?? ''}`);
  return {
    positions,
    language,
    stemmed: language === null ? [] : [...plain],
    title: title === null ? null : titleLexeme(title),
  };
}

/**
 * The lexemes of runs with positions from 0. Each part of a word and each character takes one position. A compound has its
 * parts and, at the first one's position, itself without marks, so that «IMG_2041», «img-2041» and «IMG 2041» all have
 * «img2041». A run of characters has its pairs of neighbours, and its last character alone.
 */
export function lexemesOf(runs: readonly Run[]): { readonly lexeme: string; readonly position: number }[] {
  const found: { lexeme: string; position: number }[] = [];
  let position = 0;
  let before: { word: string; position: number } | null = null;
  for (const run of runs) {
    if (run.kind === 'characters') {
      run.characters.forEach((character, i) => {
        found.push({ lexeme: character + (run.characters[i + 1] ?? ''), position: position + i });
      });
      position += run.characters.length;
      before = null;
      continue;
    }
    const start = position;
    for (const { word, parts } of run.words) {
      if (parts.length > 1) found.push({ lexeme: word, position });
      for (const part of parts) found.push({ lexeme: part, position: position++ });
    }
    if (run.joined !== null) found.push({ lexeme: run.joined, position: start });
    const whole = run.joined ?? run.words[0]?.word ?? '';
    // «ISO 9001» is also written «ISO9001».
    if (before !== null && run.afterSpace && /^\p{N}/u.test(whole)) {
      found.push({ lexeme: before.word + whole, position: before.position });
    }
    const only = run.words.length === 1 ? run.words[0] : undefined;
    before = only && !hasDigit(only.word) ? { word: only.word, position: start } : null;
  }
  return found;
}
