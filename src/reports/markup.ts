/**
 * HTML and SVG as values. `html` escapes every string that is interpolated, except markup that `html` itself returned. Titles
 * and texts come from users, so reports use nothing else.
 */
export class Markup {
  constructor(readonly text: string) {}
  toString(): string {
    return this.text;
  }
}

export type Child = Markup | string | number | null | undefined | false | readonly Child[];

/** @example html`<p title="${title}">${text}</p>` */
export function html(strings: TemplateStringsArray, ...children: readonly Child[]): Markup {
  return new Markup(strings.reduce((out, string, i) => out + render(children[i - 1]) + string));
}

function render(child: Child): string {
  if (child === null || child === undefined || child === false) return '';
  if (child instanceof Markup) return child.text;
  if (typeof child === 'number') return String(child);
  if (typeof child === 'string') return escapeHtml(child);
  return child.map(render).join('');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
  '`': '&#96;',
};

/** For text and for quoted attributes. Control characters, which are invalid in HTML, are replaced. */
function escapeHtml(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the expression removes them
      .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/g, '\ufffd')
      .replace(/[&<>"'`]/g, (character) => ENTITIES[character] as string)
  );
}

/** Whether a picture is a data URL of a raster type, the only kind that a report embeds. */
export function isPicture(uri: string | null): uri is string {
  return uri !== null && /^data:image\/(png|jpeg|webp|gif);base64,[A-Za-z0-9+/]+={0,2}$/.test(uri);
}

/** 0.2804 → `0.280`; null → `–`. */
export function figure(value: number | null, digits = 3): string {
  if (value === null || !Number.isFinite(value)) return '–';
  const text = value.toFixed(digits);
  return /^-0\.?0*$/.test(text) ? text.slice(1) : text.replace('-', '−');
}

/** A difference with its sign: `+0.021`. */
export function signed(value: number, digits = 3): string {
  return value >= 0 ? `+${figure(value, digits)}` : figure(value, digits);
}

/** 2173 → `2,173`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** 75.2 → `1 min 15 s`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes} min ${whole % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
