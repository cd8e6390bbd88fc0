/** Two consecutive letters, or one letter of a script whose letters are words or syllables. */
const WORD = /\p{L}{2}|\p{Lo}/u;
const FILE_NAME = /\.(?:avif|bmp|gif|heic|jpe?g|pdf|png|svg|tiff?|txt|webp)$/iu;
/** Longer titles are texts of their own. */
const MOST_CHARACTERS = 200;

/** Whether a title is in words. File names and codes ("IMG_2041", "ISO 9001") are not: they have more digits than letters. */
export function usableTitle(title: string): boolean {
  const text = title.trim();
  if (text.length > MOST_CHARACTERS || FILE_NAME.test(text) || !WORD.test(text)) return false;
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  const digits = text.match(/\p{N}/gu)?.length ?? 0;
  return letters > digits;
}
