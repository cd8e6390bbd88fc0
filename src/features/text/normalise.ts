/** Length in UTF-16 units after which a text is cut: twice the limit for an item. */
export const MAX_CHARACTERS_READ = 20_000;

/**
 * Normalises a text for both parts of the text feature: NFKC (which maps full-width characters and ligatures to plain
 * letters), single spaces for all white space, at most MAX_CHARACTERS_READ units.
 */
export function normaliseText(text: string): string {
  const cut = text.slice(0, MAX_CHARACTERS_READ).replace(/\p{Cs}/gu, ' ');
  return cut
    .normalize('NFKC')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}
