/** Scales, ticks and frames of the charts. Lengths are in units of the chart's view box. */
import { extent } from 'd3-array';
import { scaleLinear, tickFormat } from 'd3-scale';
import { html, type Markup } from '../markup.js';

export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Three side by side, or one in a narrow column. One unit is about one pixel, so that text keeps its size. */
export const SMALL: Frame = { width: 300, height: 190, left: 38, right: 8, top: 10, bottom: 34 };
/** Two side by side. */
export const WIDE: Frame = { width: 390, height: 240, left: 38, right: 8, top: 10, bottom: 34 };

export type Range = readonly [low: number, high: number];
export type Scale = (value: number) => number;

/** A linear scale, rounded to hundredths of a unit. */
export function linear(range: Range, to: Range): Scale {
  const scale = scaleLinear(range, to);
  return (value) => round(scale(value));
}

export function xScale(frame: Frame, range: Range): Scale {
  return linear(range, [frame.left, frame.width - frame.right]);
}

export function yScale(frame: Frame, range: Range): Scale {
  return linear(range, [frame.height - frame.bottom, frame.top]);
}

/** The smallest range between round numbers that holds all values. Equal values get a range around them. */
export function niceRange(values: readonly number[], about = 5): Range {
  const [low, high] = extent(values);
  if (low === undefined) return [0, 1];
  const room = low === high ? Math.abs(low || 1) * 0.1 : 0;
  const [from, to] = scaleLinear([low - room, high + room], [0, 1])
    .nice(about)
    .domain();
  return [from ?? low, to ?? high];
}

/** @example tickLabels([0, 0.2, 0.4]) // ['0.0', '0.2', '0.4'] */
function tickLabels(values: readonly number[]): string[] {
  const [low = 0, high = low] = extent(values);
  return values.map(tickFormat(low, high, Math.max(1, values.length - 1)));
}

/** Grid lines, tick labels and the names of the axes. */
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

/** The root element of a chart, with a text alternative for screen readers. */
export function svg(frame: Frame, title: string, description: string, ...body: readonly Markup[]): Markup {
  return html`<svg viewBox="0 0 ${frame.width} ${frame.height}" class="${frame.width > SMALL.width ? 'wide' : 'small'}" role="img" aria-label="${title}. ${description}">${body}</svg>`;
}

/** Rounds to hundredths, which keeps path data short. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}
