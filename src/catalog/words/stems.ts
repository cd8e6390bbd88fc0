import { STEMMERS, type StemmedLanguage, stemLexeme } from '../../domain/lexical/languages.js';
import type { Queryable } from '../postgres/database.js';

/** Words whose stems are kept in memory. A stem depends on word and language alone. */
const KEPT = 50_000;

export interface StemmedWord {
  readonly language: StemmedLanguage;
  readonly word: string;
}

/** The stems of words, by the snowball dictionaries of Postgres, which read words by no locale. */
export class Stems {
  private readonly known = new Map<string, readonly string[]>();

  /** @returns the lexemes of stems by `language word`, as `keyOf` has it; none for a word that is too frequent to have one. */
  async of(db: Queryable, words: readonly StemmedWord[]): Promise<ReadonlyMap<string, readonly string[]>> {
    const found = new Map<string, readonly string[]>();
    const missing = new Map<string, StemmedWord>();
    for (const word of words) {
      const known = this.known.get(keyOf(word));
      if (known === undefined) missing.set(keyOf(word), word);
      else found.set(keyOf(word), known);
    }
    if (missing.size === 0) return found;
    const asked = [...missing.values()];
    const rows = await db.run<{ stems: string[] | null }>(
      `SELECT ts_lexize(d::regdictionary, w) AS stems
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS a (d, w, n) ORDER BY n`,
      [asked.map(({ language }) => dictionaryOf(language)), asked.map(({ word }) => word)],
    );
    if (this.known.size + rows.length > KEPT) this.known.clear();
    asked.forEach((word, i) => {
      const stems = (rows[i]?.stems ?? []).map((stem) => stemLexeme(word.language, stem));
      found.set(keyOf(word), stems);
      this.known.set(keyOf(word), stems);
    });
    return found;
  }
}

export function keyOf({ language, word }: StemmedWord): string {
  return `${language} ${word}`;
}

export function dictionaryOf(language: StemmedLanguage): string {
  return `pg_catalog.${STEMMERS[language]}`;
}
