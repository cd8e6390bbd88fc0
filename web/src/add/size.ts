const STEPS = [
  ['kilobyte', 2 ** 10],
  ['megabyte', 2 ** 20],
  ['gigabyte', 2 ** 30],
] as const;

/** A number of bytes for people. */
export function sizeText(bytes: number, locale: string): string {
  const [unit, size] = STEPS.findLast(([, each]) => bytes >= each) ?? STEPS[0];
  return new Intl.NumberFormat(locale, { style: 'unit', unit, maximumFractionDigits: 1 }).format(
    bytes / size,
  );
}
