import { figure, html, type Markup } from '../markup.js';
import { linear } from './axes.js';

const WIDTH = 240;

/** A number on a scale whose ends are labelled. */
export function gauge(options: {
  readonly value: number | null;
  readonly from: number;
  readonly to: number;
  readonly fromMeans: string;
  readonly toMeans: string;
}): Markup {
  const { value, from, to } = options;
  const x = linear([from, to], [6, WIDTH - 6]);
  return html`<svg class="gauge" viewBox="0 0 ${WIDTH} 44" aria-hidden="true">
<path class="gauge-track" d="M6 12H${WIDTH - 6}"/>
${value !== null && html`<path class="gauge-fill" d="M6 12H${x(Math.min(to, Math.max(from, value)))}"/><circle class="gauge-dot" cx="${x(Math.min(to, Math.max(from, value)))}" cy="12" r="6"/>`}
<text x="4" y="36">${figure(from, 1)} · ${options.fromMeans}</text><text x="${WIDTH - 4}" y="36" text-anchor="end">${figure(to, 1)} · ${options.toMeans}</text></svg>`;
}
