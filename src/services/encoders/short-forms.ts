/** Short forms of a caption, as people type them in a search: one to three of its tags or words. */
import type { Random } from '../../encoder/math/random.js';

/** Most tags or words of a short form. */
const MOST_PARTS = 3;
/** Commas, semicolons and line breaks, also those of Chinese, Japanese and Arabic. */
const SEPARATORS = /[,;\n、，；،؛]+/u;
/** The end of a sentence, before another sentence or at the end of the text. */
const SENTENCE_END = /[.!?](?:\s|$)|[。！？]/u;
/** A caption is a list of tags if its parts have at most this many words on average. */
const MOST_WORDS_OF_A_TAG = 3;
/** Only the start of a long text is cut up. */
const MOST_CHARACTERS = 2_000;

/** English words that say nothing alone. */
const FUNCTION_WORDS: ReadonlySet<string> = new Set(
  `a an and are as at be been being but by did do does for from had has have he her here hers him his how i if in into is it its
  me my no nor not of off on or our out over she so some such than that the their them then there these they this those through
  to too under up upon us very was we were what when where which while who whom whose why will with you your`.split(
    /\s+/,
  ),
);

const segmenter = new Intl.Segmenter('en', { granularity: 'word' });

/**
 * Draws short forms of a caption: one to three of its tags where it is a list of tags, else one to three successive content words.
 * They differ from each other and from the caption.
 *
 * @param most upper limit of the number of forms; short captions have fewer
 * @example shortForms('tiger, animal, big, cat', 3, createRandom(0)) // e.g. ['big', 'tiger, cat', 'animal']
 */
export function shortForms(caption: string, most: number, random: Random): string[] {
  const text = caption.slice(0, MOST_CHARACTERS);
  const tags = tagsOf(text);
  const parts = tags ?? contentWords(text);
  if (parts.length === 0) return [];
  const joint = tags === null ? ' ' : ', ';
  const seen = new Set([normalised(caption)]);
  const forms: string[] = [];
  // A form that was drawn before is not drawn again, so a short caption needs some more attempts.
  for (let attempt = 0; attempt < 2 * most && forms.length < most; attempt += 1) {
    const size = Math.min(parts.length, 1 + (random.uint32() % MOST_PARTS));
    const form = (tags === null ? successive(parts, size, random) : sample(parts, size, random)).join(joint);
    if (seen.has(normalised(form))) continue;
    seen.add(normalised(form));
    forms.push(form);
  }
  return forms;
}

/** Whether two texts are the same for the text extractor, which reads lower case. */
export function normalised(text: string): string {
  return text.trim().toLowerCase();
}

/** The parts of a list of tags; null for a text that is not such a list. */
function tagsOf(text: string): string[] | null {
  if (SENTENCE_END.test(text)) return null;
  const tags = text
    .split(SEPARATORS)
    .map((tag) => tag.trim())
    .filter((tag) => tag !== '');
  if (tags.length < 2) return null;
  const words = tags.reduce((sum, tag) => sum + wordsOf(tag).length, 0);
  return words <= MOST_WORDS_OF_A_TAG * tags.length ? tags : null;
}

/** All words where only function words are left. */
function contentWords(text: string): string[] {
  const words = wordsOf(text);
  const content = words.filter((word) => !FUNCTION_WORDS.has(word.toLowerCase()));
  return content.length > 0 ? content : words;
}

/** Words as Unicode separates them; Chinese, Japanese and Thai by a dictionary. */
function wordsOf(text: string): string[] {
  return Array.from(segmenter.segment(text)).flatMap(({ segment, isWordLike }) =>
    isWordLike ? [segment] : [],
  );
}

function successive(parts: readonly string[], size: number, random: Random): readonly string[] {
  const start = random.uint32() % Math.max(1, parts.length - size + 1);
  return parts.slice(start, start + size);
}

/** Parts in the order of the list. */
function sample(parts: readonly string[], size: number, random: Random): readonly string[] {
  const chosen = new Set<number>();
  while (chosen.size < size) chosen.add(random.uint32() % parts.length);
  return parts.filter((_, i) => chosen.has(i));
}
