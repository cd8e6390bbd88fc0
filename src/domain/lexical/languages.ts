import { fold } from './fold.js';

/**
 * Languages whose words Postgres can reduce to stems, by the first part of their BCP 47 tag. Only dictionaries that every
 * supported version of Postgres has: stems must not depend on the server.
 */
export const STEMMERS = {
  ar: 'arabic_stem',
  hy: 'armenian_stem',
  eu: 'basque_stem',
  ca: 'catalan_stem',
  da: 'danish_stem',
  nl: 'dutch_stem',
  en: 'english_stem',
  fi: 'finnish_stem',
  fr: 'french_stem',
  de: 'german_stem',
  el: 'greek_stem',
  hi: 'hindi_stem',
  hu: 'hungarian_stem',
  id: 'indonesian_stem',
  ga: 'irish_stem',
  it: 'italian_stem',
  lt: 'lithuanian_stem',
  ne: 'nepali_stem',
  no: 'norwegian_stem',
  pt: 'portuguese_stem',
  ro: 'romanian_stem',
  ru: 'russian_stem',
  sr: 'serbian_stem',
  es: 'spanish_stem',
  sv: 'swedish_stem',
  ta: 'tamil_stem',
  tr: 'turkish_stem',
  yi: 'yiddish_stem',
} as const;
export type StemmedLanguage = keyof typeof STEMMERS;

/** Tags of the same written language. */
const ALIASES: Readonly<Record<string, StemmedLanguage>> = { nb: 'no', nn: 'no', in: 'id' };

/** Frequent function words, folded, that the languages do not share with many others. */
const FUNCTION_WORDS: Readonly<Partial<Record<StemmedLanguage, string>>> = {
  en: 'the of and with a an is are on in at for from by his her their to',
  de: 'der die das und mit ein eine einer einem einen ist auf im am von fur zu den dem nicht',
  fr: 'le la les des du un une et avec est sur dans pour au aux en qui sous',
  es: 'el la los las un una y con es en de del por para al sobre que',
  it: 'il lo la gli le un una e con di del della su nel per che sono sul',
  pt: 'o os as um uma e com em no na do da dos das por para ao que',
  nl: 'de het een en met op van in aan voor is zijn onder naar bij',
  sv: 'och en ett med pa av i som ar den det till over',
  da: 'og en et med pa af i som er den det til pa',
  fi: 'ja on ei joka jossa kanssa seka ovat han',
  tr: 've bir ile icin bu olan cok uzerinde',
  ro: 'si un o cu pe de la din in este sub care',
};
const FUNCTION_WORD_LANGUAGES = Object.entries(FUNCTION_WORDS).flatMap(([language, words]) =>
  language in STEMMERS ? [{ language: language as StemmedLanguage, words: new Set(words.split(' ')) }] : [],
);

/** Languages to assume for a script of which most texts are of one language. */
const BY_SCRIPT: readonly (readonly [RegExp, StemmedLanguage])[] = [
  [/\p{Script=Cyrillic}/u, 'ru'],
  [/\p{Script=Greek}/u, 'el'],
  [/\p{Script=Arabic}/u, 'ar'],
  [/\p{Script=Armenian}/u, 'hy'],
  [/\p{Script=Devanagari}/u, 'hi'],
  [/\p{Script=Tamil}/u, 'ta'],
];
/** Words that decide the language of a long text. */
const WORDS_READ = 200;

/**
 * The language by whose rules the words of a text are reduced to stems; null for none.
 *
 * A tag that is given decides. Without one, the script does, and for Latin script the function words that occur; a text of
 * unaccented letters without any («two dogs») counts as English, so that the plain case works without metadata.
 */
export function stemmingLanguage(tag: string | null, text: string): StemmedLanguage | null {
  const given = tag?.split(/[-_]/, 1)[0]?.toLowerCase();
  if (given) return ALIASES[given] ?? (isStemmed(given) ? given : null);
  const scripted = BY_SCRIPT.find(([script]) => script.test(text));
  if (scripted) return scripted[1];
  if (!/\p{Script=Latin}/u.test(text)) return null;
  const words = fold(text)
    .split(/[^\p{L}]+/u, WORDS_READ)
    .filter(Boolean);
  const scores = FUNCTION_WORD_LANGUAGES.map(({ language, words: known }) => ({
    language,
    count: words.filter((word) => known.has(word)).length,
  })).sort((a, b) => b.count - a.count);
  const [first, second] = scores;
  if (first && first.count > 0 && first.count > (second?.count ?? 0)) return first.language;
  return /^\P{L}*(?:[a-zA-Z]\P{L}*)+$/u.test(text.slice(0, 1000)) ? 'en' : null;
}

function isStemmed(language: string): language is StemmedLanguage {
  return Object.hasOwn(STEMMERS, language);
}

/**
 * The lexeme of a stem. The marker separates it from words (no word has a tilde) and from the stems of other languages.
 */
export function stemLexeme(language: StemmedLanguage, stem: string): string {
  return `~${language}:${stem}`;
}
