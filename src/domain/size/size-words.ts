/** Figures for readers: three digits or fewer. */

const SIZES = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'] as const;

/** Decimal units. */
export function size(bytes: number): string {
  let [value, unit] = [bytes, 0];
  while (value >= 999.5 && unit < SIZES.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${digits(value)} ${SIZES[unit]}`;
}

const AMOUNTS = [
  [1e9, ' billion'],
  [1e6, ' million'],
] as const;

/** A number of things, rounded; below a million with commas. */
export function amount(count: number): string {
  const [unit, name] = AMOUNTS.find(([from]) => count >= from) ?? [1, ''];
  return unit === 1 ? Math.round(count).toLocaleString('en') : `${digits(count / unit)}${name}`;
}

export function duration(hours: number): string {
  if (hours === 0) return 'none';
  if (hours < 1 / 60) return `${digits(hours * 3600)} s`;
  if (hours < 2) return `${digits(hours * 60)} min`;
  return hours < 96 ? `${digits(hours)} h` : `${digits(hours / 24)} days`;
}

function digits(value: number): string {
  return value >= 99.5 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(2)));
}
