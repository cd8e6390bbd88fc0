/**
 * The folded form of a text, in which words are compared: NFKC, lower case, without the accents of Latin, Greek and Cyrillic
 * letters. «Café», «CAFÉ» and «cafe» fold to «cafe». Lone surrogates become spaces.
 *
 * The breve of Cyrillic й and ў stays: these are letters of their own, and Russian endings depend on them.
 */
export function fold(text: string): string {
  return text
    .replace(/\p{Cs}/gu, ' ')
    .normalize('NFKC')
    .toLowerCase()
    .normalize('NFD')
    .replace(/(?<=\p{Script=Cyrillic})\u0306/gu, KEPT_BREVE)
    .replace(ACCENTS, '$1')
    .replaceAll(KEPT_BREVE, '\u0306')
    .normalize('NFC')
    .replace(/[ßæœøłđðıς]/g, (letter) => WITHOUT_DECOMPOSITION[letter] ?? letter);
}

/** A private character that stands for the breve while other accents are removed. */
const KEPT_BREVE = '\uE000';
const ACCENTS = /([\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{Mn}+/gu;
const WITHOUT_DECOMPOSITION: Readonly<Record<string, string>> = {
  ß: 'ss',
  æ: 'ae',
  œ: 'oe',
  ø: 'o',
  ł: 'l',
  đ: 'd',
  ð: 'd',
  ı: 'i',
  ς: 'σ',
};
