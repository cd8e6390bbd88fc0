import { scan } from './scan.js';

/** A longer title is not a name that a query repeats. A lexeme has at most 2,046 bytes. */
const MOST_WORDS = 8;
const MOST_CHARACTERS = 256;
export const TITLE_MARKER = '=';

/**
 * The lexeme of a whole title: a query that is exactly a title asks for the items that have it before those whose titles
 * contain it. Marks, case and accents do not count. The marker separates it from words, as that of a stem does.
 *
 * @returns null for a text without words, and for a long one
 */
export function titleLexeme(title: string): string | null {
  if (title.length > MOST_CHARACTERS) return null;
  const words = scan(title).flatMap((run) =>
    run.kind === 'characters' ? [run.characters.join('')] : run.words.map(({ word }) => word),
  );
  const lexeme = `${TITLE_MARKER}${words.join(' ')}`;
  // Folding may lengthen a text.
  const fits = words.length > 0 && words.length <= MOST_WORDS && lexeme.length <= MOST_CHARACTERS;
  return fits ? lexeme : null;
}
