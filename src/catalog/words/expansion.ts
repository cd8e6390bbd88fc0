import type { WordUnit } from '../../domain/lexical/read-words.js';
import { hasDigit } from '../../domain/lexical/scan.js';
import { wordSimilarity } from '../../domain/lexical/spelling.js';
import type { ExpandedUnit, ExpandedWords, UnitMatch } from '../types.js';
import type { FoundWord } from './expand-sql.js';
import { quote } from './quote.js';

/** Similar spellings of one unit. */
const MOST_SIMILAR = 8;
const LEAST_SIMILARITY = 0.3;
const STEM_SIMILARITY = 0.95;
/** Of a code, a part with digits alone, and one of letters alone. */
const NUMBER_PART_SIMILARITY = 0.5;
const LETTERS_PART_SIMILARITY = 0.25;
const WEIGHT_SCALE = 1_000_000;
/** What a title that is the whole query counts beyond the other units together; see Words. */
const TITLE_SHARE = 0.3;

/** The forms in which the units occur in the catalogue, and what each unit counts. */
export function expansionOf(units: readonly WordUnit[], found: readonly FoundWord[]): ExpandedWords {
  const items = found.find(({ kind }) => kind === 'items')?.documents ?? 0;
  const expanded = units.map((unit, i) =>
    expandedUnit(
      unit,
      found.filter((word) => word.unit === i),
      items,
    ),
  );
  const others = expanded.filter(({ unit }) => unit.kind !== 'title');
  const sum = others.reduce((total, { weight }) => total + weight, 0);
  const weight = Math.max(1, Math.round(TITLE_SHARE * sum));
  const titles = expanded.filter(({ unit, matches }) => unit.kind === 'title' && matches.length > 0);
  return { units: [...others, ...titles.map((title) => ({ ...title, weight }))] };
}

function expandedUnit(unit: WordUnit, found: readonly FoundWord[], items: number): ExpandedUnit {
  const matches = matchesOf(unit, found);
  const weight = Math.max(1, Math.round(WEIGHT_SCALE * Math.log((items + 1) / (frequency(matches) + 1))));
  return { unit, weight, matches };
}

/** Of the unit itself and its stems; if no item has these, of the most similar word, which is what the query means. */
function frequency(matches: readonly UnitMatch[]): number {
  const own = matches.filter(({ similarity }) => similarity >= STEM_SIMILARITY);
  const documents = Math.max(0, ...own.map((match) => match.documents));
  return documents > 0 ? documents : (matches.find((match) => match.documents > 0)?.documents ?? 0);
}

function matchesOf(unit: WordUnit, found: readonly FoundWord[]): UnitMatch[] {
  const exact = new Map(
    found.flatMap(({ kind, word, documents }) => (kind === 'exact' ? [[word, documents]] : [])),
  );
  const own = lexemeMatch(unit.word, 1, exact.get(unit.word) ?? 0);
  switch (unit.kind) {
    case 'word':
      return [own, ...stemMatches(found), ...similarMatches(unit.word, found, exact.has(unit.word))];
    case 'code':
      return [
        own,
        ...[...new Set(unit.parts)].flatMap((part) => {
          if (part.length < 2) return [];
          const similarity = hasDigit(part) ? NUMBER_PART_SIMILARITY : LETTERS_PART_SIMILARITY;
          return [lexemeMatch(part, similarity, exact.get(part) ?? 0)];
        }),
      ].sort(bySimilarity);
    case 'characters':
      return [own];
    case 'prefix': {
      const documents = found.find(({ kind }) => kind === 'prefix')?.documents ?? 0;
      return [{ form: `${unit.word}*`, tsquery: `${quote(unit.word)}:*`, similarity: 1, documents }];
    }
    case 'title':
      return found.some(({ documents }) => documents > 0)
        ? [lexemeMatch(unit.word, 1, found[0]?.documents ?? 0)]
        : [];
    case 'phrase': {
      const rarest = Math.min(...unit.lexemes.map(({ lexeme }) => exact.get(lexeme) ?? 0));
      return [{ form: unit.word, tsquery: phraseOf(unit), similarity: 1, documents: rarest }];
    }
  }
}

function stemMatches(found: readonly FoundWord[]): UnitMatch[] {
  const stems = found.filter(({ kind }) => kind === 'stem');
  return stems.map(({ word, documents }) => lexemeMatch(word, STEM_SIMILARITY, documents));
}

function similarMatches(word: string, found: readonly FoundWord[], isKnown: boolean): UnitMatch[] {
  const others = new Map(
    found.flatMap((other) =>
      other.kind === 'similar' && other.word !== word ? [[other.word, other.documents]] : [],
    ),
  );
  return [...others]
    .map(([other, documents]) => lexemeMatch(other, wordSimilarity(word, other, isKnown), documents))
    .filter(({ similarity }) => similarity >= LEAST_SIMILARITY)
    .sort(bySimilarity)
    .slice(0, MOST_SIMILAR);
}

function lexemeMatch(form: string, similarity: number, documents: number): UnitMatch {
  return { form, tsquery: quote(form), similarity, documents };
}

function phraseOf({ lexemes }: Extract<WordUnit, { kind: 'phrase' }>): string {
  return lexemes
    .map(
      ({ lexeme, distance, isPrefix }, i) =>
        `${i === 0 ? '' : `<${distance}> `}${quote(lexeme)}${isPrefix ? ':*' : ''}`,
    )
    .join(' ');
}

function bySimilarity(a: UnitMatch, b: UnitMatch): number {
  return b.similarity - a.similarity || (a.form < b.form ? -1 : 1);
}
