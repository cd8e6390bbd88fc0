const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

/** A formatter of numbers. It is made once: to make one takes longer than to render a tile. */
export function numberFormat(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  return kept(`number ${locale} ${JSON.stringify(options)}`, () => new Intl.NumberFormat(locale, options));
}

/** A formatter of dates and times, made once. */
export function dateFormat(locale: string, options: Intl.DateTimeFormatOptions = {}): Intl.DateTimeFormat {
  return kept(`date ${locale} ${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(locale, options));
}

function kept<Format extends Intl.NumberFormat | Intl.DateTimeFormat>(
  key: string,
  make: () => Format,
): Format {
  // The key holds the kind and the options, so that what is found is of this type.
  const found = made.get(key) as Format | undefined;
  if (found !== undefined) return found;
  const format = make();
  made.set(key, format);
  return format;
}
