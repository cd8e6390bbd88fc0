/** Scales, ticks and the frame that the charts share. Lengths are in the units of the chart's own view box. */
import { html, type Markup } from '../markup.js';

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Three of these stand side by side, or one in a phone's column: about as many pixels as units, so letters keep their size. */
export const SMALL: Frame = { width: 300, height: 190, left: 38, right: 8, top: 10, bottom: 34 };
/** Two of these side by side. */
export const WIDE: Frame = { width: 390, height: 240, left: 38, right: 8, top: 10, bottom: 34 };

export type Range = readonly [low: number, high: number];
export type Scale = (value: number) => number;

export function linear([low, high]: Range, [from, to]: Range): Scale {
  const span = high - low || 1;
  return (value) => round(from + ((value - low) / span) * (to - from));
}

export function xScale(frame: Frame, range: Range): Scale {
  return linear(range, [frame.left, frame.width - frame.right]);
}

export function yScale(frame: Frame, range: Range): Scale {
  return linear(range, [frame.height - frame.bottom, frame.top]);
}

/** Round numbers that cover a range: steps of 1, 2 or 5 times a power of ten. */
export function ticks([low, high]: Range, about = 5): number[] {
  const span = high - low;
  if (!(span > 0)) return [low];
  const raw = span / about;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = ([1, 2, 5, 10].find((m) => m * power >= raw * 0.999) as number) * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** The least range of ticks that holds all the values; a flat one is given room. */
export function niceRange(values: readonly number[], about = 5): Range {
  const low = Math.min(...values);
  const high = Math.max(...values);
  if (!(high > low)) return [low - Math.abs(low || 1) * 0.1, high + Math.abs(high || 1) * 0.1];
  const of = ticks([low, high], about);
  const step = of.length > 1 ? (of[1] as number) - (of[0] as number) : high - low;
  return [
    Number((Math.floor(low / step + 1e-9) * step).toPrecision(12)),
    Number((Math.ceil(high / step - 1e-9) * step).toPrecision(12)),
  ];
}

/** Ticks with one number of digits: 0, 0.2, 0.4 → `0.0` `0.2` `0.4`. */
function tickLabels(values: readonly number[]): string[] {
  const digits = Math.max(0, ...values.map((v) => (String(v).split('.')[1] ?? '').length));
  return values.map((v) => v.toFixed(Math.min(digits, 4)).replace('-', '−'));
}

/** Grid lines with their numbers, and what the axes are called. */
export function axes(options: {
  readonly frame: Frame;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xName: string;
  readonly yName?: string;
}): Markup {
  const { frame, x, y, xTicks, yTicks } = options;
  const base = frame.height - frame.bottom;
  const end = frame.width - frame.right;
  const yLabels = tickLabels(yTicks);
  const xLabels = tickLabels(xTicks);
  return html`<g class="axes" aria-hidden="true">
${yTicks.map((tick, i) => html`<path class="grid" d="M${frame.left} ${y(tick)}H${end}"/><text x="${frame.left - 6}" y="${y(tick) + 3.5}" text-anchor="end">${yLabels[i]}</text>`)}
<path class="base" d="M${frame.left} ${base}H${end}"/>
${xTicks.map((tick, i) => html`<path class="tick" d="M${x(tick)} ${base}v4"/><text x="${x(tick)}" y="${base + 15}" text-anchor="middle">${xLabels[i]}</text>`)}
<text class="name" x="${end}" y="${frame.height - 4}" text-anchor="end">${options.xName}</text>
${options.yName !== undefined && html`<text class="name" x="2" y="${frame.height - 4}">${options.yName}</text>`}
</g>`;
}

/** A line through points, as path data. */
export function pathThrough(points: readonly (readonly [x: number, y: number])[]): string {
  return points.map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}

/** A chart with what a reader who cannot see it is told. */
export function svg(frame: Frame, title: string, description: string, ...body: readonly Markup[]): Markup {
  return html`<svg viewBox="0 0 ${frame.width} ${frame.height}" class="${frame.width > SMALL.width ? 'wide' : 'small'}" role="img" aria-label="${title}. ${description}">${body}</svg>`;
}

/** Hundredths are enough on paper. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
