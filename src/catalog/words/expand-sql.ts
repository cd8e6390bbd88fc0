import { z } from 'zod';
import { STEMMERS, type StemmedLanguage, stemLexeme } from '../../domain/lexical/languages.js';
import type { WordUnit } from '../../domain/lexical/read-words.js';
import { nearSpellings, spellingOf } from '../../domain/lexical/spelling.js';
import type { Queryable } from '../postgres/database.js';
import { quote } from './quote.js';
import { dictionaryOf } from './stems.js';

/** Words of the vocabulary that are compared for each misspelt one. */
const SPELLINGS_COMPARED = 24;
/** Items with one title are counted up to this number. */
const TITLES_COUNTED = 1_000;
const LANGUAGES = Object.keys(STEMMERS) as StemmedLanguage[];

const foundWord = z.object({
  unit: z.number(),
  kind: z.enum(['items', 'exact', 'similar', 'stem', 'prefix', 'title']),
  word: z.string(),
  documents: z.number(),
});
/** A lexeme of the vocabulary for the unit of this index (of `items`, the number of all items). */
export type FoundWord = z.infer<typeof foundWord>;

/**
 * What the vocabulary holds for the units: their lexemes, similar spellings, the stems in all languages of the catalogue
 * (a query is too short to tell its language), and the number of items that have a word of a prefix.
 */
export async function findWords(db: Queryable, units: readonly WordUnit[]): Promise<FoundWord[]> {
  const exact: [number, string][] = [];
  const near: [number, string][] = [];
  const spellings: [number, string][] = [];
  const stemmed: [number, string][] = [];
  const prefixes: [number, string][] = [];
  let title: readonly [unit: number | null, query: string | null] = [null, null];
  units.forEach((unit, i) => {
    switch (unit.kind) {
      case 'word': {
        exact.push([i, unit.word]);
        const spelling = spellingOf(unit.word);
        if (spelling === null) break;
        stemmed.push([i, unit.word]);
        spellings.push([i, spelling]);
        near.push(...nearSpellings(unit.word).map((word): [number, string] => [i, word]));
        break;
      }
      case 'code':
        exact.push(...[unit.word, ...unit.parts].map((word): [number, string] => [i, word]));
        break;
      case 'characters':
        exact.push([i, unit.word]);
        break;
      case 'phrase':
        exact.push(...unit.lexemes.map(({ lexeme }): [number, string] => [i, lexeme]));
        break;
      case 'prefix':
        prefixes.push([i, unit.word]);
        break;
      case 'title':
        title = [i, quote(unit.word)];
    }
  });
  const columns = (rows: readonly [number, string][]) => [
    rows.map(([unit]) => unit),
    rows.map(([, word]) => word),
  ];
  const values = [
    ...columns(exact),
    ...columns(near),
    ...columns(spellings),
    ...columns(stemmed),
    ...columns(prefixes),
    LANGUAGES.map((language) => stemLexeme(language, '')),
    LANGUAGES.map(dictionaryOf),
  ];
  // Citus confuses the columns of the parts if one of them is about items.
  const rows = db.distributed
    ? await Promise.all([db.run(FIND_WORDS, values), db.run(countTitle('$1', '$2'), title)])
    : [await db.run(`${FIND_WORDS} UNION ALL ${countTitle('$13', '$14')}`, [...values, ...title])];
  return z.array(foundWord).parse(rows.flat());
}

// The vocabulary has the lexeme of an empty stem for each language of its items.
const FIND_WORDS = `
  SELECT -1 AS unit, 'items' AS kind, word, COALESCE(documents, 0) AS documents FROM word WHERE word = ''
  UNION ALL
  SELECT a.unit, 'exact', w.word, COALESCE(w.documents, 0)
  FROM unnest($1::int[], $2::text[]) AS a (unit, word) JOIN word w ON w.word = a.word
  UNION ALL
  SELECT a.unit, 'similar', w.word, COALESCE(w.documents, 0)
  FROM unnest($3::int[], $4::text[]) AS a (unit, word) JOIN word w ON w.word = a.word
  UNION ALL
  SELECT a.unit, 'similar', w.word, COALESCE(w.documents, 0)
  FROM unnest($5::int[], $6::text[]) AS a (unit, spelling)
    CROSS JOIN LATERAL (
      SELECT w.word, w.documents FROM word w WHERE w.spelling % a.spelling
      ORDER BY similarity(w.spelling, a.spelling) DESC, w.word LIMIT ${SPELLINGS_COMPARED}) w
  UNION ALL
  SELECT a.unit, 'stem', w.word, COALESCE(w.documents, 0)
  FROM unnest($11::text[], $12::text[]) AS l (marker, dictionary)
    JOIN word present ON present.word = l.marker
    CROSS JOIN unnest($7::int[], $8::text[]) AS a (unit, word)
    CROSS JOIN LATERAL unnest(ts_lexize(l.dictionary::regdictionary, a.word)) AS s (stem)
    JOIN word w ON w.word = l.marker || s.stem
  UNION ALL
  SELECT a.unit, 'prefix', a.word, COALESCE(w.documents, 0)
  FROM unnest($9::int[], $10::text[]) AS a (unit, word)
    CROSS JOIN LATERAL (
      SELECT sum(documents)::int AS documents FROM word w
      WHERE w.word >= a.word AND w.word < a.word || chr(1114111)) w`;

/** The same columns for the title, of which a query has one at most. */
function countTitle(unit: string, query: string): string {
  return `SELECT ${unit}::int AS unit, 'title' AS kind, ${query}::text AS word, count(*)::int AS documents
    FROM (SELECT 1 FROM item WHERE lexemes @@ ${query}::tsquery LIMIT ${TITLES_COUNTED}) t HAVING ${unit}::int IS NOT NULL`;
}
