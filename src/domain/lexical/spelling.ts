import { hasDigit, isUnspaced } from './scan.js';

/**
 * The spelling by which the database finds similar words: ASCII letters only, because pg_trgm reads other letters by the
 * database's locale. Other letters are mapped to any ASCII letter, Korean syllables after they are taken apart; the final
 * similarity is computed from the words themselves. Null for a word that only matches exactly: a code, a stem, characters
 * of a script without spaces, and a word of less than three letters.
 */
export function spellingOf(word: string): string | null {
  if (word.startsWith('~') || hasDigit(word) || isUnspaced(word)) return null;
  const letters = [...word.normalize('NFD')];
  if (letters.length < 3) return null;
  return letters.map((letter) => (/[a-z]/.test(letter) ? letter : asciiFor(letter))).join('');
}

function asciiFor(letter: string): string {
  return String.fromCharCode(97 + ((letter.codePointAt(0) ?? 0) % 26));
}

/** Words that differ from this one by two swapped neighbours or one letter less, which share few trigrams with it. */
export function nearSpellings(word: string): string[] {
  const letters = [...word];
  const variants = new Set<string>();
  if (letters.length >= 4) {
    for (let i = 0; i + 1 < letters.length; i += 1) {
      const swapped = [...letters];
      [swapped[i], swapped[i + 1]] = [swapped[i + 1] as string, swapped[i] as string];
      variants.add(swapped.join(''));
    }
  }
  if (letters.length >= 5) for (const i of letters.keys()) variants.add(letters.toSpliced(i, 1).join(''));
  variants.delete(word);
  return [...variants];
}

/**
 * Similarity of two words, 0 to 1: the share of common trigrams (Jaccard, with pg_trgm's padding). If the first word is
 * not in the vocabulary it is likely misspelt, and the share of letters that need no correction counts if it is larger;
 * corrections are insertions, deletions, substitutions and swaps of neighbours, at most one in a word of three to five
 * letters and two in a longer one.
 */
export function wordSimilarity(word: string, other: string, isKnown: boolean): number {
  const shared = trigramSimilarity(word, other);
  return isKnown ? shared : Math.max(shared, correctedSimilarity([...word], [...other]));
}

function trigramSimilarity(word: string, other: string): number {
  const [a, b] = [trigrams(word), trigrams(other)];
  const common = [...a].filter((trigram) => b.has(trigram)).length;
  return common / (a.size + b.size - common);
}

function trigrams(word: string): Set<string> {
  const letters = [' ', ' ', ...word.normalize('NFD'), ' '];
  return new Set(letters.slice(2).map((letter, i) => `${letters[i]}${letters[i + 1]}${letter}`));
}

function correctedSimilarity(a: readonly string[], b: readonly string[]): number {
  const length = Math.max(a.length, b.length);
  const corrections = editDistance(a, b);
  return corrections > (Math.min(a.length, b.length) > 5 ? 2 : 1) ? 0 : 1 - corrections / length;
}

/** Optimal string alignment: a swap of neighbours is one edit. */
function editDistance(a: readonly string[], b: readonly string[]): number {
  let [before, last] = [[] as number[], b.map((_, j) => j)];
  last.push(b.length);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, at(before, j - 2) + 1);
      }
      row.push(least);
    }
    [before, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
