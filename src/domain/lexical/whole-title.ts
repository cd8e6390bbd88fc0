import { scan } from './scan.js';

/** A longer title is not a name that a query repeats. */
const MOST_WORDS = 8;
export const TITLE_MARKER = '=';

/**
 * The lexeme of a whole title: a query that is exactly a title asks for the items that have it before those whose titles
 * contain it. Marks, case and accents do not count. The marker separates it from words, as that of a stem does.
 *
 * @returns null for a text without words, and for a long one
 */
export function titleLexeme(title: string): string | null {
  const words = scan(title).flatMap((run) =>
    run.kind === 'characters' ? [run.characters.join('')] : run.words.map(({ word }) => word),
  );
  return words.length === 0 || words.length > MOST_WORDS ? null : `${TITLE_MARKER}${words.join(' ')}`;
}
