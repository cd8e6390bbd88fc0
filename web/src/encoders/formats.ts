import { useMessages } from '../messages/index.js';
import { formatDuration } from './duration.js';

/** Numbers, shares, times and durations in the language of the user. A missing figure is a dash. */
export function useFormats() {
  const { locale } = useMessages();
  const number = new Intl.NumberFormat(locale);
  const figure = new Intl.NumberFormat(locale, { minimumFractionDigits: 3, maximumFractionDigits: 3 });
  const short = new Intl.NumberFormat(locale, { maximumSignificantDigits: 3 });
  const percent = new Intl.NumberFormat(locale, { style: 'percent', maximumFractionDigits: 1 });
  const time = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' });
  const orDash =
    <T>(format: (value: T) => string) =>
    (value: T | null | undefined) =>
      value == null ? '–' : format(value);
  return {
    number: orDash((value: number) => number.format(value)),
    /** Of a metric: three decimals. */
    figure: orDash((value: number) => figure.format(value)),
    /** Three digits that count. */
    short: orDash((value: number) => short.format(value)),
    percent: orDash((value: number) => percent.format(value)),
    time: orDash((value: string) => time.format(new Date(value))),
    duration: orDash((seconds: number) => formatDuration(seconds, locale)),
  };
}
