import { lexemesOf } from './item-terms.js';
import { hasDigit, type Run, scan } from './scan.js';
import { titleLexeme } from './whole-title.js';

/** A unit of a text query: what an item may have or lack. */
export type WordUnit =
  | { readonly kind: 'word'; readonly word: string }
  /** A compound with digits, or of letters and digits: «IMG_2041» is «img2041» with the parts «img» and «2041». */
  | { readonly kind: 'code'; readonly word: string; readonly parts: readonly string[] }
  /** All words that begin so: `ele*`, and a single Chinese character. */
  | { readonly kind: 'prefix'; readonly word: string }
  /** Two neighbouring characters of a script without spaces. */
  | { readonly kind: 'characters'; readonly word: string }
  /** Lexemes in this order at these distances: the first has distance 0. */
  | { readonly kind: 'phrase'; readonly word: string; readonly lexemes: readonly PhraseLexeme[] }
  /** The lexeme of a title that is the whole query. */
  | { readonly kind: 'title'; readonly word: string };

interface PhraseLexeme {
  readonly lexeme: string;
  /** Positions after the lexeme before. */
  readonly distance: number;
  readonly isPrefix: boolean;
}

const MOST_UNITS = 32;
/** A shorter prefix matches too much of any vocabulary. */
const SHORTEST_PREFIX = 2;
const QUOTED = /"([^"]*)"|“([^”]*)”|«([^»]*)»|„([^“”]*)[“”]|「([^」]*)」/gu;
const PREFIX = /([\p{L}\p{M}\p{N}]+)\*/gu;
/** A query is no longer than a text; what follows cannot hold more than MOST_UNITS anyway. */
const CHARACTERS_READ = 10_000;

/**
 * The units of a text query, each once: the first MOST_UNITS, and the whole of a short one as a title. Empty where nothing in
 * it can be searched for.
 */
export function readWords(text: string): WordUnit[] {
  const units = new Map<string, WordUnit>();
  const add = (unit: WordUnit) => {
    const key = unit.kind === 'phrase' || unit.kind === 'prefix' ? `${unit.kind} ${unit.word}` : unit.word;
    if (units.size < MOST_UNITS && !units.has(key)) units.set(key, unit);
  };
  let rest = 0;
  const read = text.slice(0, CHARACTERS_READ);
  for (const match of read.matchAll(QUOTED)) {
    unquoted(read.slice(rest, match.index)).forEach(add);
    quoted(match.slice(1).find((group) => group !== undefined) ?? '').forEach(add);
    rest = match.index + match[0].length;
  }
  unquoted(read.slice(rest)).forEach(add);
  const title = titleLexeme(text);
  return [...units.values(), ...(title === null ? [] : [{ kind: 'title' as const, word: title }])];
}

function unquoted(text: string): WordUnit[] {
  const units: WordUnit[] = [];
  let rest = 0;
  for (const match of text.matchAll(PREFIX)) {
    units.push(...scan(text.slice(rest, match.index)).flatMap(unitsOf));
    units.push(...scan(match[1] ?? '').flatMap(prefixesOf));
    rest = match.index + match[0].length;
  }
  return [...units, ...scan(text.slice(rest)).flatMap(unitsOf)];
}

function unitsOf(run: Run): WordUnit[] {
  if (run.kind === 'characters') {
    const [first = ''] = run.characters;
    if (run.characters.length === 1) return [{ kind: 'prefix', word: first }];
    return run.characters
      .slice(1)
      .map((character, i) => ({ kind: 'characters', word: `${run.characters[i]}${character}` }));
  }
  const parts = run.words.flatMap((word) => word.parts);
  const whole = run.joined ?? (run.words.length === 1 ? run.words[0]?.word : undefined);
  if (whole === undefined || !hasDigit(whole))
    return run.words.flatMap(({ word, parts }) => wordUnit(word, parts));
  return wordUnit(whole, parts);
}

function wordUnit(word: string, parts: readonly string[]): WordUnit[] {
  return [parts.length > 1 ? { kind: 'code', word, parts } : { kind: 'word', word }];
}

function prefixesOf(run: Run, index: number, runs: readonly Run[]): WordUnit[] {
  const word = run.kind === 'words' && index === runs.length - 1 ? run.words.at(-1)?.word : undefined;
  if (word === undefined || word.length < SHORTEST_PREFIX) return unitsOf(run);
  return [{ kind: 'prefix', word }];
}

function quoted(text: string): WordUnit[] {
  const runs = scan(text);
  const lexemes: PhraseLexeme[] = [];
  let last = 0;
  for (const { lexeme, position, isPrefix } of runs.flatMap(phraseParts)) {
    lexemes.push({ lexeme, isPrefix, distance: lexemes.length === 0 ? 0 : position - last });
    last = position;
  }
  if (lexemes.length <= 1) return runs.flatMap(unitsOf);
  return [{ kind: 'phrase', word: lexemes.map(({ lexeme }) => lexeme).join(' '), lexemes }];

  function phraseParts(run: Run, index: number) {
    // Positions as in an item, where the runs before take as many.
    const start = runs.slice(0, index).reduce((sum, earlier) => sum + width(earlier), 0);
    if (run.kind === 'words') {
      const parts = run.words.flatMap((word) => word.parts);
      return parts.map((lexeme, i) => ({ lexeme, position: start + i, isPrefix: false }));
    }
    const single = run.characters.length === 1;
    return lexemesOf([run])
      .slice(0, single ? 1 : -1)
      .map(({ lexeme, position }) => ({ lexeme, position: start + position, isPrefix: single }));
  }
}

function width(run: Run): number {
  return run.kind === 'characters'
    ? run.characters.length
    : run.words.reduce((sum, word) => sum + word.parts.length, 0);
}
