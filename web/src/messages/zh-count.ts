export const number = new Intl.NumberFormat('zh');

/** A number with the unit that counts such things. */
export const count = (n: number, unit: string): string => `${number.format(n)} ${unit}`;
