const plural = new Intl.PluralRules('en');

export const number = new Intl.NumberFormat('en');

/** 1 picture, 2 pictures, 1,000 pictures. */
export const count = (n: number, one: string, other: string): string =>
  `${number.format(n)} ${plural.select(n) === 'one' ? one : other}`;
