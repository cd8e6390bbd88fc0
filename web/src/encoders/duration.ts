const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** A duration in its largest unit, and the next one where that says more. */
export function formatDuration(seconds: number, locale: string): string {
  const unit = (value: number, name: 'second' | 'minute' | 'hour') =>
    new Intl.NumberFormat(locale, { style: 'unit', unit: name, unitDisplay: 'long' }).format(value);
  const whole = Math.round(seconds);
  if (whole < 2 * MINUTE) return unit(whole, 'second');
  if (whole < 2 * HOUR - MINUTE / 2) return unit(Math.round(whole / MINUTE), 'minute');
  const minutes = Math.round((whole % HOUR) / MINUTE / 10) * 10;
  const hours = Math.floor(whole / HOUR) + (minutes === 60 ? 1 : 0);
  return minutes % 60 === 0 ? unit(hours, 'hour') : `${unit(hours, 'hour')} ${unit(minutes, 'minute')}`;
}
