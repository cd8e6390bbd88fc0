/** Longer texts are read up to here, in UTF-16 units: twice the product's limit for an item. */
export const MAX_CHARACTERS_READ = 20_000;

/**
 * What both parts of the text feature read: NFKC (so that full-width letters and digits are the ordinary ones and
 * ligatures are letters), white space of any kind as single spaces, cut at MAX_CHARACTERS_READ.
 */
export function normaliseText(text: string): string {
  const cut = text.slice(0, MAX_CHARACTERS_READ).replace(/\p{Cs}/gu, ' ');
  return cut
    .normalize('NFKC')
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim();
}
