import { type ItemTerms, type ItemWords, itemTerms } from '../../domain/lexical/item-terms.js';
import { stemLexeme } from '../../domain/lexical/languages.js';
import type { Queryable } from '../postgres/database.js';
import { quote } from './quote.js';
import { keyOf, type StemmedWord, type Stems } from './stems.js';

export interface ItemLexemes {
  /** A tsvector literal for each item, in their order. */
  readonly vectors: readonly string[];
  /** All lexemes in them, and one for each language, by which a query finds the stemmers to ask. */
  readonly words: ReadonlySet<string>;
}

export async function itemLexemes(
  db: Queryable,
  stems: Stems,
  items: readonly ItemWords[],
): Promise<ItemLexemes> {
  const terms = items.map(itemTerms);
  const stemOf = await stems.of(db, terms.flatMap(stemmedWords));
  const words = new Set<string>();
  const vectors = terms.map((item) => {
    const own = new Set(stemmedWords(item).flatMap((word) => stemOf.get(keyOf(word)) ?? []));
    for (const word of item.positions.keys()) words.add(word);
    for (const word of own) words.add(word);
    if (item.language !== null && own.size > 0) words.add(stemLexeme(item.language, ''));
    const placed = [...item.positions].map(([word, positions]) => `${quote(word)}:${positions.join(',')}`);
    // The vocabulary has no titles: there may be one for each item.
    return [...placed, ...[...own, ...(item.title === null ? [] : [item.title])].map(quote)].join(' ');
  });
  return { vectors, words };
}

function stemmedWords({ language, stemmed }: ItemTerms): StemmedWord[] {
  return language === null ? [] : stemmed.map((word) => ({ language, word }));
}
